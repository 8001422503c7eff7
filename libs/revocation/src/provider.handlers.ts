// Handles the configuration of providers: settings are checked by the connector, the secret goes into the vault.
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { streams } from '@app/events';
import { Clock } from '@app/runtime';
import { Vault, type StoredSecret } from '@app/vault';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ConfigureProvider, PROVIDER_ID, RemoveProvider } from './access.commands.js';
import { AccessRefused } from './access.errors.js';
import { Connectors } from './connectors/registry.js';
import { depositing } from './deposit.js';
import { canonical } from './holding.js';
import { providerAggregate } from './provider.js';

@CommandHandler(ConfigureProvider)
export class ConfigureProviderHandler implements ICommandHandler<ConfigureProvider> {
  constructor(
    private readonly decisions: Decisions,
    private readonly vault: Vault,
    private readonly clock: Clock,
    private readonly connectors: Connectors,
  ) {}

  async execute({ context, providerId, configuration }: ConfigureProvider) {
    const { secret, ...visible } = configuration;
    if (!PROVIDER_ID.test(providerId)) throw new AccessRefused('invalid_id');
    const connector = this.connectors.get(visible.connector);
    if (connector === undefined) throw new AccessRefused('unknown_connector');
    const problems = [
      ...connector.checkSettings(visible.settings),
      ...(secret === undefined ? [] : (connector.checkSecret?.(secret) ?? [])),
    ];
    if (problems.length > 0) throw new AccessRefused('invalid_settings', problems);
    const { tenant } = context;
    const wanted = { providerId, ...visible };
    const decide = (store?: () => Promise<StoredSecret>) =>
      this.decisions.execute(streams.provider(tenant, providerId), providerAggregate, async (current) => {
        const known =
          current?.secretId === undefined ? undefined : await this.vault.openSecret(tenant, current.secretId);
        const isSame =
          current !== undefined &&
          canonical({ ...current, secretId: undefined }) === canonical(wanted) &&
          known === secret;
        if (isSame) return { events: [], result: undefined };
        const stored = await store?.();
        const data = { ...wanted, ...(stored === undefined ? {} : { secretId: stored.secretId }) };
        const event = newEvent('ProviderConfigured', data, contextOf(context, this.clock.iso()));
        return { events: [event], result: undefined };
      });
    const decided = await (secret === undefined ? decide() : depositing(this.vault, tenant, secret, decide));
    return { changed: decided.appended, position: decided.position };
  }
}

@CommandHandler(RemoveProvider)
export class RemoveProviderHandler implements ICommandHandler<RemoveProvider> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, providerId }: RemoveProvider) {
    if (!PROVIDER_ID.test(providerId)) throw new AccessRefused('not_found');
    const stream = streams.provider(context.tenant, providerId);
    const { position } = await this.decisions.execute(stream, providerAggregate, (current) => {
      if (current === undefined) throw new AccessRefused('not_found');
      const event = newEvent('ProviderRemoved', { providerId }, contextOf(context, this.clock.iso()));
      return { events: [event], result: undefined };
    });
    return { position };
  }
}
