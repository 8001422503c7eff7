// Handles what is asked of tenants: they are created once, and their API keys are issued and revoked.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { Vault } from '@app/vault';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AlreadyExists, NotFound } from '../directory.errors.js';
import { CreateTenant, IssueApiKey, RevokeApiKey, type IssuedToken } from '../tenant.commands.js';
import { tenantAggregate } from './tenant.js';
import { fingerprintOf, newToken } from './tokens.js';

@CommandHandler(CreateTenant)
export class CreateTenantHandler implements ICommandHandler<CreateTenant> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, name }: CreateTenant): Promise<{ position: bigint }> {
    const { position } = await this.decisions.execute(streams.tenant(context.tenant), tenantAggregate, ({ exists }) => {
      if (exists) throw new AlreadyExists('the tenant exists already');
      return { events: [newEvent('TenantCreated', { name }, contextOf(context, this.clock.iso()))], result: undefined };
    });
    return { position: position as bigint };
  }
}

@CommandHandler(IssueApiKey)
export class IssueApiKeyHandler implements ICommandHandler<IssueApiKey> {
  constructor(
    private readonly decisions: Decisions,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  async execute({ context, roles }: IssueApiKey): Promise<IssuedToken> {
    const token = newToken('key');
    const keyId = newId();
    const data = { keyId, roles: [...roles], fingerprint: fingerprintOf(this.vault, token) };
    const { position } = await this.decisions.execute(streams.tenant(context.tenant), tenantAggregate, ({ exists }) => {
      if (!exists) throw new NotFound('no such tenant');
      return { events: [newEvent('ApiKeyIssued', data, contextOf(context, this.clock.iso()))], result: undefined };
    });
    return { token, tokenId: keyId, position: position as bigint };
  }
}

@CommandHandler(RevokeApiKey)
export class RevokeApiKeyHandler implements ICommandHandler<RevokeApiKey> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, keyId }: RevokeApiKey): Promise<{ position: bigint | undefined }> {
    const { position } = await this.decisions.execute(streams.tenant(context.tenant), tenantAggregate, ({ keys }) => {
      const state = keys.get(keyId);
      if (state === undefined) throw new NotFound('no such key');
      if (state === 'revoked') return { events: [], result: undefined };
      return {
        events: [newEvent('ApiKeyRevoked', { keyId }, contextOf(context, this.clock.iso()))],
        result: undefined,
      };
    });
    return { position };
  }
}
