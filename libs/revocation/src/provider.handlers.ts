// Handles the configuration of providers: settings are checked by the connector, the secret goes into the vault.
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { streams } from '@app/events';
import { Clock } from '@app/runtime';
import { Vault, type StoredSecret } from '@app/vault';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ConfigureProvider, PROVIDER_ID, RemoveProvider, type ProviderConfiguration } from './access.commands.js';
import { AccessRefused } from './access.errors.js';
import { Connectors } from './connectors/registry.js';
import { depositing } from './deposit.js';
import { canonical } from './holding.js';
import { providerAggregate, type ProviderState } from './provider.js';

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
      ...(typeof secret === 'string' ? (connector.checkSecret?.(secret) ?? []) : []),
    ];
    if (problems.length > 0) throw new AccessRefused('invalid_settings', problems);
    const { tenant } = context;
    const wanted = { providerId, ...visible };
    const decide = (store?: () => Promise<StoredSecret>) =>
      this.decisions.execute(streams.provider(tenant, providerId), providerAggregate, async (current) => {
        const isSame =
          current !== undefined &&
          canonical({ ...current, secretId: undefined }) === canonical(wanted) &&
          (secret === undefined || (await this.isSecretOf(tenant, current, secret)));
        if (isSame) return { events: [], result: undefined };
        const secretId = secret === undefined ? keptSecret(current, visible) : (await store?.())?.secretId;
        const data = { ...wanted, ...(secretId === undefined ? {} : { secretId }) };
        const event = newEvent('ProviderConfigured', data, contextOf(context, this.clock.iso()));
        return { events: [event], result: undefined };
      });
    const isNew = secret !== undefined && secret !== null;
    const decided = await (isNew ? depositing(this.vault, tenant, secret, decide) : decide());
    return { changed: decided.appended, position: decided.position };
  }

  /** One that does not open is no longer that of the provider: it is replaced by what is sent. */
  private async isSecretOf(tenant: string, { secretId }: { secretId?: string }, secret: string | null) {
    if (secretId === undefined || secret === null) return secretId === undefined && secret === null;
    return (await this.vault.openSecrets(tenant, [secretId])).get(secretId) === secret;
  }
}

/**
 * The secret goes on with a new name, and with nothing else: whoever could have it sent to another address need not know it.
 * @throws AccessRefused when it would have to
 */
function keptSecret(current: ProviderState, { connector, settings }: Omit<ProviderConfiguration, 'secret'>) {
  if (current?.secretId === undefined) return undefined;
  const isSamePlace = current.connector === connector && canonical(current.settings) === canonical(settings);
  if (!isSamePlace) throw new AccessRefused('secret_needed');
  return current.secretId;
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
