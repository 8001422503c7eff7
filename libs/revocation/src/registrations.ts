// Registers what is held and lets go of it: the rules that credentials, schedules and runs have in common.
import { contextOf, Decisions, EventLog, newEvent, ReadModels, untilKnown, type EventContext } from '@app/event-log';
import { streams, type EventData, type Holder, type HoldingType, type RequestContext } from '@app/events';
import { Clock } from '@app/runtime';
import { Vault, type StoredSecret } from '@app/vault';
import { Injectable } from '@nestjs/common';
import { HOLDING_ID, PROVIDER_ID, type Registered } from './access.commands.js';
import { AccessRefused } from './access.errors.js';
import { depositing } from './deposit.js';
import { Gate } from './gate.js';
import { holdingAggregate, standingOf, type Holding, type Registration } from './holding.js';
import { providerAggregate } from './provider.js';

type RegisteringType = 'CredentialRegistered' | 'ScheduleRegistered' | 'RunStarted';

/** What is to be registered. */
export interface Entry<T extends RegisteringType> {
  readonly type: HoldingType;
  readonly id: string;
  readonly event: T;
  /** As recorded, but without the secret's place in the vault. */
  readonly data: EventData[T] & Registration;
  /** Goes into the vault when the entry is new; its place and fingerprint are recorded. */
  readonly secret?: string;
}

const endings = {
  credential: (id: string, context: EventContext) => newEvent('CredentialReleased', { credentialId: id }, context),
  schedule: (id: string, context: EventContext) => newEvent('ScheduleReleased', { scheduleId: id }, context),
  run: (id: string, context: EventContext) => newEvent('RunEnded', { runId: id }, context),
};

/** The holder's ids alone, without names that hold nothing. */
export function holderOf({ userId, agentId }: Holder): Holder {
  if (userId === undefined && agentId === undefined) throw new AccessRefused('holder_missing');
  return { ...(userId === undefined ? {} : { userId }), ...(agentId === undefined ? {} : { agentId }) };
}

@Injectable()
export class Registrations {
  constructor(
    private readonly log: EventLog,
    private readonly decisions: Decisions,
    private readonly readModels: ReadModels,
    private readonly clock: Clock,
    private readonly gate: Gate,
    private readonly vault: Vault,
  ) {}

  /** @throws AccessRefused when the provider or the holder does not exist */
  async check(tenant: string, { providerId, ...holder }: Holder & { providerId: string }): Promise<void> {
    const isSlug = PROVIDER_ID.test(providerId);
    const stream = streams.provider(tenant, providerId);
    const { state } = isSlug ? await this.decisions.load(stream, providerAggregate) : { state: undefined };
    if (state === undefined) throw new AccessRefused('unknown_provider');
    if (!(await this.gate.knows(tenant, holder))) throw new AccessRefused('unknown_holder');
  }

  /** @throws AccessRefused */
  async scheduleMustExist(tenant: string, id: string): Promise<void> {
    const isId = HOLDING_ID.test(id);
    const { state } = isId
      ? await this.decisions.load(streams.schedule(tenant, id), holdingAggregate)
      : { state: undefined };
    if (state?.registration === undefined) throw new AccessRefused('unknown_schedule');
  }

  /** Appends unless the same is there already. @throws AccessRefused */
  async append<T extends RegisteringType>(context: RequestContext, entry: Entry<T>): Promise<bigint | undefined> {
    if (!HOLDING_ID.test(entry.id)) throw new AccessRefused('invalid_id');
    const { secret } = entry;
    const { result, position } = await (secret === undefined
      ? this.appendNew(context, entry)
      : depositing(this.vault, context.tenant, secret, (store) => this.appendNew(context, entry, store)));
    if (result === 'other') throw new AccessRefused('id_conflict');
    if (result === 'ended') throw new AccessRefused('already_ended');
    return position;
  }

  private appendNew<T extends RegisteringType>(
    context: RequestContext,
    entry: Entry<T>,
    store?: () => Promise<StoredSecret>,
  ) {
    const stream = streams[entry.type](context.tenant, entry.id);
    return this.decisions.execute(stream, holdingAggregate, async (holding) => {
      const standing = standingOf(holding, entry.data);
      if (standing !== 'new') return { events: [], result: standing };
      const data = { ...entry.data, ...(await store?.()) };
      return { events: [newEvent(entry.event, data, contextOf(context, this.clock.iso()))], result: standing };
    });
  }

  /** What the gate says of it, once the gate knows of it. */
  async verdict(tenant: string, type: HoldingType, id: string, position: bigint | undefined): Promise<Registered> {
    await untilKnown({ log: this.log, readModels: this.readModels }, position);
    const denials = await this.gate.verdict(tenant, type, id);
    return { id, changed: position !== undefined, denials, position };
  }

  async register<T extends RegisteringType>(context: RequestContext, entry: Entry<T>): Promise<Registered> {
    const position = await this.append(context, entry);
    return this.verdict(context.tenant, entry.type, entry.id, position);
  }

  /** @throws AccessRefused when it was never registered */
  async end(context: RequestContext, type: HoldingType, id: string): Promise<{ position: bigint | undefined }> {
    if (!HOLDING_ID.test(id)) throw new AccessRefused('not_found');
    const stream = streams[type](context.tenant, id);
    const { position } = await this.decisions.execute(stream, holdingAggregate, (holding: Holding) => {
      if (holding.registration === undefined) throw new AccessRefused('not_found');
      if (holding.ended) return { events: [], result: undefined };
      return { events: [endings[type](id, contextOf(context, this.clock.iso()))], result: undefined };
    });
    return { position };
  }
}
