// What every vault promises, on whichever database; run by the spec of the adapter for each.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SECRET_PURPOSE, type SealContext, type Vault } from './vault.port.js';

export interface OpenVault {
  readonly vault: Vault;
  /** A second process over the same store. */
  readonly another: () => Promise<Vault>;
  readonly close: () => Promise<void>;
}

const CONTEXT: SealContext = { tenant: 'acme', subject: 'u1', field: 'displayName', eventType: 'UserProvisioned' };

export function describeVault(store: string, start: () => Promise<OpenVault>): void {
  describe(`the vault on ${store}`, () => {
    let opened: OpenVault;
    let vault: Vault;

    beforeAll(async () => {
      opened = await start();
      vault = opened.vault;
    }, 60_000);
    afterAll(() => opened?.close());

    describe('secrets', () => {
      it.each(['', 'token', 'ä€😀\u0000\n', 'x'.repeat(200_000)])(
        'are given back exactly as they were put',
        async (text) => {
          const { secretId } = await vault.putSecret('acme', text);
          expect(await vault.openSecret('acme', secretId)).toBe(text);
        },
      );

      it('are there for another process as soon as they are put', async () => {
        const { secretId } = await vault.putSecret('acme', 'shared');
        expect(await (await opened.another()).openSecret('acme', secretId)).toBe('shared');
      });

      it('of the service itself are those that were kept first, for every process', async () => {
        expect(await vault.ownSecret('a key')).toBeUndefined();
        await vault.keepOwnSecret('a key', 'the first');
        const another = await opened.another();
        await another.keepOwnSecret('a key', 'the second');
        expect(await another.ownSecret('a key')).toBe('the first');
        expect(await vault.ownSecret('another key')).toBeUndefined();
        expect(await vault.openSecret('acme', 'a key')).toBeUndefined();
      });

      it('have an id and a place of their own, even when they are equal', async () => {
        const [first, second] = await Promise.all([vault.putSecret('acme', 'same'), vault.putSecret('acme', 'same')]);
        expect(first.secretId).not.toBe(second.secretId);
        await vault.destroySecrets('acme', [first.secretId]);
        expect(await vault.openSecret('acme', second.secretId)).toBe('same');
      });

      it('are recognised by their fingerprint', async () => {
        const { fingerprint } = await vault.putSecret('acme', 'known');
        expect(fingerprint).toBe(vault.fingerprint('acme', SECRET_PURPOSE, 'known'));
      });

      it('do not exist for another tenant, and cannot be destroyed by one', async () => {
        const { secretId } = await vault.putSecret('acme', 'mine');
        await vault.destroySecrets('globex', [secretId]);
        expect(await vault.openSecret('globex', secretId)).toBeUndefined();
        expect(await vault.openSecrets('globex', [secretId])).toEqual(new Map());
        expect(await vault.openSecret('acme', secretId)).toBe('mine');
      });

      it('open by the thousand; those destroyed, foreign or unknown are missing', async () => {
        const texts = Array.from({ length: 1_200 }, (_, i) => `secret-${i}`);
        const ids = (await Promise.all(texts.map((text) => vault.putSecret('acme', text)))).map((put) => put.secretId);
        const foreign = await vault.putSecret('globex', 'foreign');
        const gone = ids.slice(100, 800);
        await vault.destroySecrets('acme', gone);
        const opened = await vault.openSecrets('acme', [...ids, foreign.secretId, 'unknown']);
        expect(opened.size).toBe(500);
        expect(opened.get(ids[0] as string)).toBe('secret-0');
        expect(opened.get(ids[1_199] as string)).toBe('secret-1199');
        expect(gone.some((id) => opened.has(id))).toBe(false);
      });

      it('are destroyed for good, any number of times', async () => {
        const { secretId } = await vault.putSecret('acme', 'gone');
        await vault.destroySecrets('acme', [secretId, secretId]);
        await vault.destroySecrets('acme', [secretId]);
        await vault.destroySecrets('acme', []);
        expect(await vault.openSecret('acme', secretId)).toBeUndefined();
        expect(await (await opened.another()).openSecret('acme', secretId)).toBeUndefined();
      });
    });

    describe('sealed values', () => {
      it('open under their key and context, for another process too', async () => {
        const key = await vault.newDataKey();
        const sealed = await vault.seal(key, CONTEXT, 'Ada Lovelace ä😀');
        expect(sealed).not.toContain('Ada');
        expect(await vault.open(key, CONTEXT, sealed)).toBe('Ada Lovelace ä😀');
        expect(await (await opened.another()).open(key, { ...CONTEXT }, sealed)).toBe('Ada Lovelace ä😀');
      });

      it('never look the same twice', async () => {
        const key = await vault.newDataKey();
        expect(await vault.seal(key, CONTEXT, 'x')).not.toBe(await vault.seal(key, CONTEXT, 'x'));
      });

      it.each(['tenant', 'subject', 'field', 'eventType'] as const)('do not open under another %s', async (part) => {
        const key = await vault.newDataKey();
        const sealed = await vault.seal(key, CONTEXT, 'x');
        await expect(vault.open(key, { ...CONTEXT, [part]: 'other' }, sealed)).rejects.toThrow('does not open');
      });

      it('do not open under another data key', async () => {
        const [key, other] = [await vault.newDataKey(), await vault.newDataKey()];
        const sealed = await vault.seal(key, CONTEXT, 'x');
        await expect(vault.open(other, CONTEXT, sealed)).rejects.toThrow('does not open');
      });

      it('do not open when a part of them was changed, cut off or replaced', async () => {
        const key = await vault.newDataKey();
        const sealed = await vault.seal(key, CONTEXT, 'some text');
        const flip = (at: number): string =>
          sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
        const forged = [
          flip(4),
          flip(22),
          flip(sealed.length - 6),
          sealed.slice(0, -4),
          'v1.',
          '',
          `v2.${sealed.slice(3)}`,
        ];
        for (const text of forged) await expect(vault.open(key, CONTEXT, text)).rejects.toThrow('does not open');
      });
    });

    describe('data keys', () => {
      it('are handed out once, however many ask at the same time', async () => {
        const another = await opened.another();
        const asked = Array.from({ length: 1_000 }, (_, i) => (i % 2 === 0 ? vault : another).newDataKey());
        expect(new Set(await Promise.all(asked)).size).toBe(1_000);
      });

      it('are durable before they are used', async () => {
        const key = await vault.newDataKey();
        const another = await opened.another();
        const sealed = await another.seal(key, CONTEXT, 'x');
        expect(await vault.open(key, CONTEXT, sealed)).toBe('x');
      });

      it('make everything under them unreadable when they are erased, and nothing else', async () => {
        const [key, other] = [await vault.newDataKey(), await vault.newDataKey()];
        const [sealed, kept] = [await vault.seal(key, CONTEXT, 'x'), await vault.seal(other, CONTEXT, 'y')];
        await vault.eraseDataKey(key);
        await vault.eraseDataKey(key);
        expect(await vault.open(key, CONTEXT, sealed)).toBeUndefined();
        expect(await (await opened.another()).open(key, CONTEXT, sealed)).toBeUndefined();
        await expect(vault.seal(key, CONTEXT, 'x')).rejects.toThrow('erased');
        expect(await vault.open(other, CONTEXT, kept)).toBe('y');
      });

      it('that are being read while they are erased do not come back', async () => {
        const key = await vault.newDataKey();
        const sealed = await vault.seal(key, CONTEXT, 'x');
        const another = await opened.another();
        await Promise.all([another.open(key, CONTEXT, sealed), another.eraseDataKey(key)]);
        expect(await another.open(key, CONTEXT, sealed)).toBeUndefined();
      });
    });

    describe('fingerprints', () => {
      it('are the same for the same value, in every process', async () => {
        const fingerprint = vault.fingerprint('acme', 'userName', 'ada');
        expect(fingerprint).toMatch(/^[\w-]{22}$/);
        expect((await opened.another()).fingerprint('acme', 'userName', 'ada')).toBe(fingerprint);
      });

      it('differ by tenant, purpose and value, wherever one ends and the next begins', () => {
        const all: ReadonlyArray<readonly [string, string, string]> = [
          ['acme', 'userName', 'ada'],
          ['globex', 'userName', 'ada'],
          ['acme', 'token', 'ada'],
          ['acme', 'userName', 'adb'],
          ['acme', 'userNamea', 'da'],
          ['acmeu', 'serName', 'ada'],
        ];
        expect(new Set(all.map((parts) => vault.fingerprint(...parts))).size).toBe(all.length);
      });
    });
  });
}
