// A provider's old secret dies once the engine knows the new one, and not before.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
import { eventually } from '@app/testkit';
import { Bench } from './cascade.fixture.js';
import { SpentSecrets } from './spent-secrets.js';

let bench: Bench;
let spent: SpentSecrets;

const newSpent = () =>
  new SpentSecrets({
    db: bench.db,
    vault: bench.vault,
    clock: bench.clock,
    onError: (error) => {
      throw error;
    },
  });

beforeEach(async () => {
  bench = await Bench.open();
  spent = newSpent();
  bench.onWork = (change) => spent.notice(change.ended);
});
afterEach(async () => {
  await spent.stop();
  await bench.close();
});

const stored = async (secret: string) => (await bench.vault.putSecret('acme', secret)).secretId;
const isGone = (secretId: string) =>
  eventually('the secret is gone', async () =>
    (await bench.vault.openSecret('acme', secretId)) === undefined ? true : undefined,
  );
const configure = async (secretId?: string) => {
  await bench.provider('p', 'rfc7009', {}, secretId);
  await bench.follow();
};

describe('the secret of a provider', () => {
  it('is destroyed when another takes its place, which stays', async () => {
    const [old, next] = [await stored('old'), await stored('next')];
    await configure(old);
    await configure(next);
    expect(await bench.vault.openSecret('acme', old)).toBe('old');
    bench.clock.advance(1_000);
    await isGone(old);
    expect(await bench.vault.openSecret('acme', next)).toBe('next');
  });

  it('stays when only settings change', async () => {
    const secretId = await stored('kept');
    await configure(secretId);
    await configure(secretId);
    bench.clock.advance(1_000);
    await spent.stop();
    expect(await bench.vault.openSecret('acme', secretId)).toBe('kept');
  });

  it('is destroyed with the provider', async () => {
    const secretId = await stored('removed');
    await configure(secretId);
    await bench.append(streams.provider('acme', 'p'), 'ProviderRemoved', { providerId: 'p' });
    await bench.follow();
    bench.clock.advance(1_000);
    await isGone(secretId);
  });

  it('is found again by the next process when this one died before it was destroyed', async () => {
    bench.onWork = () => undefined;
    const old = await stored('old');
    await configure(old);
    await configure();
    spent = newSpent();
    await spent.recover();
    bench.clock.advance(1_000);
    await isGone(old);
    await spent.stop();
    expect(await bench.db.selectFrom('held_replaced_secrets').selectAll().execute()).toEqual([]);
  });
});
