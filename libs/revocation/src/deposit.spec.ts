import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventLogUnavailable, WrongExpectedRevision } from '@app/event-log';
import { openSqlite } from '@app/runtime';
import { SqlVault, type VaultDb } from '@app/vault';
import type { Kysely } from 'kysely';
import { AccessRefused } from './access.errors.js';
import { depositing } from './deposit.js';

let db: Kysely<VaultDb>;
let vault: SqlVault;

type Decide = Parameters<typeof depositing<{ appended: boolean }>>[3];
const deposit = (decide: Decide) => depositing(vault, 'acme', 'secret', decide);
const stored = async () => (await db.selectFrom('vault_secrets').selectAll().execute()).length;

beforeEach(async () => {
  db = openSqlite<VaultDb>(':memory:');
  vault = await SqlVault.open({ db, rootKey: Buffer.alloc(32, 1) });
});
afterEach(async () => {
  await vault.close();
  await db.destroy();
});

describe('a secret for an event', () => {
  it('is stored once, however often it is decided, and stays when the event was appended', async () => {
    const decided = await deposit(async (store) => {
      expect(await store()).toEqual(await store());
      return { appended: true };
    });
    expect([decided, await stored()]).toEqual([{ appended: true }, 1]);
  });

  it('is not stored when nobody asks for it', async () => {
    await deposit(async () => ({ appended: false }));
    expect(await stored()).toBe(0);
  });

  const after =
    (error?: Error): Decide =>
    async (store) => {
      await store();
      if (error !== undefined) throw error;
      return { appended: false };
    };

  it.each([
    ['nothing was appended after all', undefined],
    ['it was refused after all', new AccessRefused('already_ended')],
    ['others were faster every time', new WrongExpectedRevision('s', 'no-stream', 0n)],
  ])('is destroyed when %s', async (_, error) => {
    const ended = deposit(after(error));
    await (error === undefined ? ended : expect(ended).rejects.toBe(error));
    expect(await stored()).toBe(0);
  });

  it('stays when nobody knows whether the event was appended', async () => {
    await expect(deposit(after(new EventLogUnavailable('silence')))).rejects.toThrow('silence');
    expect(await stored()).toBe(1);
  });
});
