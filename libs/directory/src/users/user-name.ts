// Who has a name: a claim in a stream of its own, which stands while its user, agent or application has that name.
import { streams, type EventType, type RecordedEvent, type RequestContext } from '@app/events';
import { contextOf, EventLog, newEvent, WrongExpectedRevision, type StreamWrite } from '@app/event-log';
import { Clock } from '@app/runtime';
import { foldCase } from '@app/scim';
import { Vault } from '@app/vault';
import { Injectable } from '@nestjs/common';
import { NameTaken } from '../directory.errors.js';

/** Longer than any append is tried: a claim whose user has not come by then will not be followed by one. */
export const CLAIM_MS = 60_000;
/** Conflicts in a row about one name before giving up. */
const TRIES = 20;
const PAGE = 100;

const GONE: ReadonlySet<EventType> = new Set(['UserDeleted', 'AgentDeleted', 'ApplicationDeleted', 'ResourceDeleted']);

/** What has a name of its own, in clear. */
type Named = 'Agent' | 'Application';

/** The claim as the last event of the name's stream tells it. */
export interface Claim {
  /** undefined: free. */
  readonly userId: string | undefined;
  readonly until: string;
}

export const claimOf = (last: RecordedEvent | undefined): Claim =>
  last?.type === 'UserNameReserved'
    ? { userId: last.data.userId, until: last.data.until }
    : { userId: undefined, until: '' };

/**
 * Whether the events of a user, agent, application or resource, newest first, say that it has this name; undefined when
 * they do not say.
 */
export function hasName(
  newestFirst: readonly RecordedEvent[],
  hash: string,
  hashOfName: (type: Named, name: string) => string,
): boolean | undefined {
  for (const event of newestFirst) {
    if (GONE.has(event.type)) return false;
    if (event.type === 'ResourceCreated' || event.type === 'ResourceChanged') return event.data.unique.includes(hash);
    if (event.type === 'UserChanged' || event.type === 'UserProvisioned') return event.data.userNameHash === hash;
    if (event.type === 'AgentChanged' || event.type === 'AgentProvisioned') {
      const { user, name } = event.data;
      if (user !== undefined) return user.userNameHash === hash;
      if (hashOfName('Agent', name) === hash) return true;
      // One that is pushed as a user is changed without its name being repeated.
      if (event.type === 'AgentProvisioned' || event.data.changed.includes('name')) return false;
    }
    if (event.type === 'ApplicationChanged' || event.type === 'ApplicationProvisioned') {
      return hashOfName('Application', event.data.name) === hash;
    }
  }
  return undefined;
}

@Injectable()
export class UserNames {
  constructor(
    private readonly log: EventLog,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /** A keyed hash: reveals nobody, and is another one in every tenant. */
  hashOf(tenant: string, userName: unknown): string {
    if (typeof userName !== 'string') throw new TypeError('the attributes of a user hold no userName');
    return this.vault.fingerprint(tenant, 'userName', foldCase(userName));
  }

  /** The same for a name that is no userName; each type has names of its own. */
  hashOfName(tenant: string, type: Named, name: string): string {
    return this.vault.fingerprint(tenant, `${type}.name`, foldCase(name));
  }

  /**
   * The write that claims the name, at the revision it was found free at.
   * @param unread take it for a name that nobody ever had, without looking: if that is wrong the append says so, and the
   * next try looks. Most new users have a new name.
   * @throws NameTaken
   */
  async claim(context: RequestContext, hash: string, userId: string, unread = false): Promise<StreamWrite> {
    const stream = streams.userName(context.tenant, hash);
    const [last] = unread ? [] : await this.log.readStream(stream, { direction: 'backwards', max: 1 });
    const claim = claimOf(last);
    if (claim.userId !== undefined && claim.userId !== userId && (await this.stands(context.tenant, hash, claim))) {
      throw new NameTaken('the name belongs to somebody else');
    }
    const now = this.clock.now();
    const until = this.clock.iso(now + CLAIM_MS);
    const reserved = newEvent('UserNameReserved', { userId, until }, contextOf(context, this.clock.iso(now)));
    return { stream, expected: last?.revision ?? 'no-stream', events: [reserved] as StreamWrite['events'] };
  }

  /** Runs `work` again when a write to another stream than `own` came too late: a name that it claimed. */
  async retryLostClaims<T>(own: string, work: (tries: number) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work(tries);
      } catch (error) {
        const lost = error instanceof WrongExpectedRevision && error.stream !== own;
        if (!lost || tries >= TRIES) throw error;
      }
    }
  }

  /** Gives the name back. What another has claimed by now stays claimed. */
  async release(context: RequestContext, hash: string, userId: string): Promise<void> {
    const stream = streams.userName(context.tenant, hash);
    const [last] = await this.log.readStream(stream, { direction: 'backwards', max: 1 });
    if (last === undefined || claimOf(last).userId !== userId) return;
    const released = newEvent('UserNameReleased', { userId }, contextOf(context, this.clock.iso()));
    try {
      await this.log.append(stream, last.revision, [released]);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    }
  }

  /** Read from the log itself and without taking a turn: two users that rename to each other's names must not wait in a circle. */
  private async stands(tenant: string, hash: string, { userId, until }: Claim): Promise<boolean> {
    if (Date.parse(until) > this.clock.now()) return true;
    const id = userId as string;
    for (const stream of [streams.user, streams.agent, streams.resource, streams.application]) {
      const told = await this.tells(tenant, stream(tenant, id), hash);
      if (told !== undefined) return told;
    }
    return false;
  }

  /** What a whole stream says; undefined when it says nothing. */
  private async tells(tenant: string, stream: string, hash: string): Promise<boolean | undefined> {
    for (let from: bigint | undefined; ;) {
      const options = { direction: 'backwards', max: PAGE, ...(from === undefined ? {} : { from }) } as const;
      const events = await this.log.readStream(stream, options);
      const known = hasName(events, hash, (type, name) => this.hashOfName(tenant, type, name));
      if (known !== undefined) return known;
      const oldest = events.at(-1);
      if (oldest === undefined || oldest.revision === 0n) return undefined;
      from = oldest.revision - 1n;
    }
  }
}
