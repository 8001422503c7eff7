// How providers are configured, and that their secrets stay in the vault.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
import { ConfigureProvider, RemoveProvider, type ProviderConfiguration } from './access.commands.js';
import { AccessRefused } from './access.errors.js';
import { contextFor, openAccess, type AccessWorld } from './access.fixture.js';
import { FindProvider, ListProviders } from './access.queries.js';

let world: AccessWorld;

const idp: ProviderConfiguration = {
  connector: 'rfc7009',
  displayName: 'Identity',
  settings: { clientId: 'c', revocationEndpoint: 'https://idp.example/revoke' },
  secret: 'client-secret',
};

const settingsOf = (revocationEndpoint: string): ProviderConfiguration => ({
  ...idp,
  settings: { clientId: 'c', revocationEndpoint },
});

const runner = (secret: string): ProviderConfiguration => ({
  connector: 'bullmq-schedule',
  displayName: 'Runner',
  settings: {},
  secret,
});

async function configure(configuration = idp, providerId = 'idp', tenant = 'acme') {
  const command = new ConfigureProvider(contextFor(tenant), providerId, configuration);
  const answer = await world.commands.execute(command);
  await world.reached(answer.position);
  return answer;
}

const refusalOf = (work: Promise<unknown>): Promise<AccessRefused> =>
  work.then(
    () => Promise.reject(new Error('accepted')),
    (error: unknown) => error as AccessRefused,
  );

beforeEach(async () => {
  world = await openAccess();
});
afterEach(() => world.close());

describe('a provider', () => {
  it('is shown without its secret', async () => {
    await configure();
    const shown = {
      providerId: 'idp',
      connector: 'rfc7009',
      displayName: 'Identity',
      settings: idp.settings,
      hasSecret: true,
    };
    expect(await world.queries.execute(new FindProvider('acme', 'idp'))).toEqual(shown);
    const [event] = await world.log.readStream(streams.provider('acme', 'idp'));
    const { secretId } = event?.data as { secretId: string };
    expect(await world.vault.openSecret('acme', secretId)).toBe('client-secret');
  });

  it('configured the same again changes nothing; another name or secret does', async () => {
    expect((await configure()).changed).toBe(true);
    expect((await configure()).changed).toBe(false);
    expect((await configure({ ...idp, displayName: 'Other' })).changed).toBe(true);
    expect((await configure({ ...idp, displayName: 'Other', secret: 'new' })).changed).toBe(true);
  });

  const { secret: _, ...without } = idp;
  const secretOf = async () => {
    const [last] = await world.log.readStream(streams.provider('acme', 'idp'), { direction: 'backwards', max: 1 });
    const { secretId } = last?.data as { secretId?: string };
    return secretId === undefined ? undefined : world.vault.openSecret('acme', secretId);
  };

  it('keeps its secret when it is renamed and none is sent', async () => {
    await configure();
    expect((await configure(without)).changed).toBe(false);
    expect((await configure({ ...without, displayName: 'Other' })).changed).toBe(true);
    expect(await secretOf()).toBe('client-secret');
    expect((await world.queries.execute(new FindProvider('acme', 'idp')))?.hasSecret).toBe(true);
  });

  it.each([{ settings: { ...idp.settings, clientId: 'd' } }, { connector: 'refresh-token' }])(
    'has its secret sent nowhere it was not meant for: it must come again with %j',
    async (over) => {
      await configure();
      const refusal = await refusalOf(configure({ ...without, ...over }));
      expect([refusal.code, await secretOf()]).toEqual(['secret_needed', 'client-secret']);
      expect((await configure({ ...idp, ...over, secret: 'new' })).changed).toBe(true);
      expect(await secretOf()).toBe('new');
    },
  );

  it('gives its secret up when told so', async () => {
    await configure();
    const settings = { ...idp.settings, clientId: 'd' };
    expect((await configure({ ...idp, settings, secret: null })).changed).toBe(true);
    expect((await world.queries.execute(new FindProvider('acme', 'idp')))?.hasSecret).toBe(false);
    expect((await configure({ ...idp, settings, secret: null })).changed).toBe(false);
    expect((await configure({ ...without, displayName: 'Other' })).changed).toBe(true);
  });

  it('takes a new secret where the one it has does not open any more', async () => {
    await configure();
    await world.damageSecrets();
    expect((await configure()).changed).toBe(true);
    expect(await secretOf()).toBe('client-secret');
  });

  it('keeps nothing in the vault when another process configured the same a moment ago', async () => {
    await configure();
    const { secretId } = await world.vault.putSecret('acme', 'new');
    const before = await world.secrets();
    const { secret: __, ...same } = { providerId: 'idp', ...idp, secretId };
    await world.tell(streams.provider('acme', 'idp'), 'ProviderConfigured', same);
    expect((await configure({ ...idp, secret: 'new' })).changed).toBe(false);
    expect(await world.secrets()).toBe(before);
  });

  it.each([
    ['unknown_connector', { ...idp, connector: 'carrier-pigeon' }, 'idp'],
    ['invalid_settings', { ...idp, settings: { clientId: 'c' } }, 'idp'],
    ['invalid_settings', settingsOf('https://idp.example/revoke?token=canary'), 'idp'],
    ['invalid_settings', settingsOf('https://idp.example/revoke#canary'), 'idp'],
    ['invalid_settings', settingsOf('https://canary@idp.example/revoke'), 'idp'],
    ['invalid_settings', runner('redis://203.0.113.7?path=/run/canary.sock'), 'runner'],
    ['invalid_settings', runner('canary'), 'runner'],
    ['invalid_id', idp, 'Not A Slug'],
    ['invalid_id', idp, 'x'.repeat(65)],
  ])('is refused as %s', async (code, configuration, id) => {
    const refusal = await refusalOf(configure(configuration, id));
    expect(refusal.code).toBe(code);
    expect(refusal.problems.length > 0).toBe(code === 'invalid_settings');
    expect(refusal.problems.join()).not.toContain('canary');
    expect(await world.log.head()).toBeUndefined();
  });

  it('is gone when removed and may be configured again', async () => {
    await configure();
    const { position } = await world.commands.execute(new RemoveProvider(contextFor('acme'), 'idp'));
    await world.reached(position);
    expect(await world.queries.execute(new FindProvider('acme', 'idp'))).toBeUndefined();
    expect((await configure()).changed).toBe(true);
  });

  it('belongs to one tenant', async () => {
    await configure();
    await configure(idp, 'b');
    await configure(idp, 'other', 'globex');
    const idsOf = async (tenant: string) =>
      (await world.queries.execute(new ListProviders(tenant))).map((one) => one.providerId);
    expect(await idsOf('acme')).toEqual(['b', 'idp']);
    expect(await idsOf('globex')).toEqual(['other']);
  });
});
