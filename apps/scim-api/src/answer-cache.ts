// Keeps the bytes of answers to reads until the directory changes what they show: a group of 10,000 is built once.
import { DirectoryView } from '@app/directory';
import type { RecordedEvent } from '@app/events';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

/** A list as it is answered, in UTF-8. */
export interface KeptList {
  readonly body: Buffer;
}

export interface KeptResource extends KeptList {
  readonly revision: bigint;
}

export type Kind = 'User' | 'Group' | 'Agent';

const CAPACITY_BYTES = 64 * 1024 * 1024;
/** Counted per answer for its key and its place in the cache. */
const OVERHEAD_BYTES = 300;

/**
 * Answers are keyed by what they show, under generations that grow when it changes, so that what is out of date is no
 * longer found and falls out in time. Another process of the same service learns of a write a moment later.
 */
@Injectable()
export class AnswerCache {
  private readonly kept = new LRUCache<string, KeptList>({
    maxSize: CAPACITY_BYTES,
    sizeCalculation: ({ body }) => body.length + OVERHEAD_BYTES,
  });
  /** By tenant and kind: of all single resources, and of all lists. */
  private readonly generations = new Map<string, number>();
  /** Grows with every change: what was read before it must not be kept after it. */
  private epoch = 0;

  constructor(directory: DirectoryView) {
    directory.onCommitted((events) => this.forget(events));
  }

  /** One resource as it is answered when nothing in particular is asked for. What `make` throws is not kept. */
  one(tenant: string, kind: Kind, id: string, make: () => Promise<KeptResource>): Promise<KeptResource> {
    return this.answer(this.keyOfOne(tenant, kind, id), make);
  }

  /** @param asked the whole of the question */
  list(tenant: string, kind: Kind, asked: string, make: () => Promise<KeptList>): Promise<KeptList> {
    const generation = this.generations.get(`${tenant} ${kind}s`) ?? 0;
    return this.answer(`${tenant} ${kind}s ${generation} ${asked}`, make);
  }

  private async answer<A extends KeptList>(key: string, make: () => Promise<A>): Promise<A> {
    const known = this.kept.get(key);
    if (known !== undefined) return known as A;
    const { epoch } = this;
    const answer = await make();
    if (epoch === this.epoch) this.kept.set(key, answer);
    return answer;
  }

  private keyOfOne(tenant: string, kind: Kind, id: string): string {
    return `${tenant} ${kind} ${this.generations.get(`${tenant} ${kind}`) ?? 0} ${id}`;
  }

  private forget(events: readonly RecordedEvent[]): void {
    this.epoch += 1;
    for (const event of events) this.forgetWhatShows(event);
  }

  /** Users are shown with the names of their groups, groups with the names of their members, agents alone. */
  private forgetWhatShows(event: RecordedEvent): void {
    const { tenant } = event.metadata;
    switch (event.type) {
      case 'UserProvisioned':
      case 'UserDeactivated':
      case 'UserReactivated':
        return this.forgetOne(tenant, 'User', event.data.userId);
      case 'UserChanged':
        if (renames(event.data.changed)) this.forgetAll(tenant, 'Group');
        return this.forgetOne(tenant, 'User', event.data.userId);
      case 'UserDeleted':
        for (const kind of ['Group', 'Agent'] as const) this.forgetAll(tenant, kind);
        return this.forgetOne(tenant, 'User', event.data.userId);
      case 'GroupCreated':
        return this.forgetOne(tenant, 'Group', event.data.groupId);
      case 'GroupMembershipChanged':
        this.forgetOne(tenant, 'Group', event.data.groupId);
        for (const { id } of [...event.data.added, ...event.data.removed]) this.forgetOne(tenant, 'User', id);
        return;
      default:
        // Whatever else happens to a user, a group or an agent: rather too much is forgotten than too little.
        if (!/^(user|group|agent)-/.test(event.stream)) return;
        if (!event.stream.startsWith('agent-'))
          for (const kind of ['User', 'Group'] as const) this.forgetAll(tenant, kind);
        this.forgetAll(tenant, 'Agent');
    }
  }

  private forgetOne(tenant: string, kind: Kind, id: string): void {
    this.kept.delete(this.keyOfOne(tenant, kind, id));
    this.grow(`${tenant} ${kind}s`);
  }

  private forgetAll(tenant: string, kind: Kind): void {
    this.grow(`${tenant} ${kind}`);
    this.grow(`${tenant} ${kind}s`);
  }

  private grow(name: string): void {
    this.generations.set(name, (this.generations.get(name) ?? 0) + 1);
  }
}

const renames = (changed: readonly string[]): boolean =>
  changed.some((path) => path === 'displayName' || path === 'userName');
