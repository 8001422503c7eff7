// Handles credentials: registered in batches, rotated and released; the secret itself goes into the vault alone.
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { streams, type RequestContext } from '@app/events';
import { Clock, newId } from '@app/runtime';
import { SECRET_PURPOSE, Vault } from '@app/vault';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  HOLDING_ID,
  RegisterCredentials,
  ReleaseCredential,
  RotateCredential,
  type CredentialRegistration,
  type Registered,
} from './access.commands.js';
import { AccessRefused } from './access.errors.js';
import { depositing } from './deposit.js';
import { holdingAggregate } from './holding.js';
import { holderOf, Registrations, type Entry } from './registrations.js';

/** ISO 8601 UTC with milliseconds. */
function instantOf(expiresAt: string): string {
  const at = Date.parse(expiresAt);
  // Without a zone it would mean the zone of this server.
  if (Number.isNaN(at) || !/(z|[+-]\d\d:?\d\d)$/i.test(expiresAt)) throw new AccessRefused('invalid_expiry');
  return new Date(at).toISOString();
}

@CommandHandler(RegisterCredentials)
export class RegisterCredentialsHandler implements ICommandHandler<RegisterCredentials> {
  constructor(
    private readonly vault: Vault,
    private readonly registrations: Registrations,
  ) {}

  /** The items run side by side: the vault and the log each make everything of one tick durable at once. */
  async execute({ context, items }: RegisterCredentials): Promise<(Registered | AccessRefused)[]> {
    const appended = await Promise.all(items.map((item) => refusable(this.append(context, item))));
    return Promise.all(
      appended.map((one) =>
        one instanceof AccessRefused
          ? one
          : this.registrations.verdict(context.tenant, 'credential', one.id, one.position),
      ),
    );
  }

  private async append(context: RequestContext, item: CredentialRegistration) {
    const entry = this.entryOf(context.tenant, item);
    await this.registrations.check(context.tenant, item);
    return { id: entry.id, position: await this.registrations.append(context, entry) };
  }

  private entryOf(tenant: string, item: CredentialRegistration): Entry<'CredentialRegistered'> {
    const { id = newId(), kind, providerId, secret, reference = {}, grantId, expiresAt } = item;
    const requiresGroups = [...new Set(item.requiresGroups)].sort();
    const requiresRoles = [...new Set(item.requiresRoles)].sort();
    const required = requiresGroups.length + requiresRoles.length;
    if (required > 0 && item.userId === undefined) throw new AccessRefused('groups_need_user');
    const data = {
      credentialId: id,
      ...holderOf(item),
      kind,
      providerId,
      reference: { ...reference },
      requiresGroups,
      ...(requiresRoles.length === 0 ? {} : { requiresRoles }),
      ...(secret === undefined ? {} : { fingerprint: this.vault.fingerprint(tenant, SECRET_PURPOSE, secret) }),
      ...(grantId === undefined ? {} : { grantId }),
      ...(expiresAt === undefined ? {} : { expiresAt: instantOf(expiresAt) }),
    };
    const entry = { type: 'credential', id, event: 'CredentialRegistered', data } as const;
    return secret === undefined ? entry : { ...entry, secret };
  }
}

const refusable = <T>(work: Promise<T>): Promise<T | AccessRefused> =>
  work.catch((error: unknown) => {
    if (error instanceof AccessRefused) return error;
    throw error;
  });

@CommandHandler(RotateCredential)
export class RotateCredentialHandler implements ICommandHandler<RotateCredential> {
  constructor(
    private readonly decisions: Decisions,
    private readonly vault: Vault,
    private readonly clock: Clock,
    private readonly registrations: Registrations,
  ) {}

  async execute({ context, credentialId, rotation }: RotateCredential): Promise<Registered> {
    const { tenant } = context;
    if (!HOLDING_ID.test(credentialId)) throw new AccessRefused('not_found');
    const expiresAt = rotation.expiresAt === undefined ? undefined : instantOf(rotation.expiresAt);
    const fingerprint = this.vault.fingerprint(tenant, SECRET_PURPOSE, rotation.secret);
    const stream = streams.credential(tenant, credentialId);
    const { position } = await depositing(this.vault, tenant, rotation.secret, (store) =>
      this.decisions.execute(stream, holdingAggregate, async (holding) => {
        if (holding.registration === undefined) throw new AccessRefused('not_found');
        if (holding.ended) throw new AccessRefused('already_ended');
        const isSame = holding.fingerprint === fingerprint && holding.expiresAt === expiresAt;
        if (isSame) return { events: [], result: undefined };
        const data = { credentialId, ...(await store()), ...(expiresAt === undefined ? {} : { expiresAt }) };
        const event = newEvent('CredentialRotated', data, contextOf(context, this.clock.iso()));
        return { events: [event], result: undefined };
      }),
    );
    return this.registrations.verdict(tenant, 'credential', credentialId, position);
  }
}

@CommandHandler(ReleaseCredential)
export class ReleaseCredentialHandler implements ICommandHandler<ReleaseCredential> {
  constructor(private readonly registrations: Registrations) {}

  execute({ context, credentialId }: ReleaseCredential) {
    return this.registrations.end(context, 'credential', credentialId);
  }
}
