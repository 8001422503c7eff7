import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readZip, verifyBundle } from '@app/audit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openConsole, type ConsoleWorld } from './console.fixture.js';
import { second } from './story.fixture.js';

let world: ConsoleWorld;
let origin: string;
beforeEach(async () => {
  world = await openConsole();
  await world.app.listen(0, '127.0.0.1');
  origin = await world.app.getUrl();
});
afterEach(() => world.close());

const get = (path: string, token = 'operator-acme') =>
  fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
const text = async (path: string) => (await get(path)).text();
const zipOf = async (query: string) => Buffer.from(await (await get(`/v1/evidence?${query}`)).arrayBuffer());

describe('a bundle taken over HTTP', () => {
  it('verifies with the verifier it carries and the published key, and not with one byte flipped', async () => {
    const answer = await get('/v1/evidence?type=cascade&id=k1');
    expect(answer.headers.get('content-type')).toBe('application/zip');
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="evidence-acme-cascade-2026-03-01T100000000Z.zip"',
    );
    const zip = Buffer.from(await answer.arrayBuffer());
    const vkey = (await text('/v1/checkpoint/vkey')).trim();
    await writeFile(join(world.directory, 'verify.mjs'), readZip(zip).get('verify.mjs') as Buffer);
    const verify = async (bundle: Buffer) => {
      await writeFile(join(world.directory, 'bundle.zip'), bundle);
      const args = ['verify.mjs', 'bundle.zip', '--vkey', vkey];
      return spawnSync(process.execPath, args, { cwd: world.directory, encoding: 'utf8' });
    };
    expect(await verify(zip)).toMatchObject({ status: 0, stdout: expect.stringContaining('VERIFIED against') });
    const flipped = Buffer.from(zip);
    const inEvents = zip.indexOf('events.ndjson') + 200;
    flipped.writeUInt8(zip.readUInt8(inEvents) ^ 1, inEvents);
    expect(await verify(flipped)).toMatchObject({ status: 4, stdout: expect.stringContaining('FAILED') });
    expect((await verify(zip.subarray(0, -100))).status).toBe(4);
  });

  it('is about one person or everybody of a period as well, and continues a checkpoint kept earlier', async () => {
    const vkey = await text('/v1/checkpoint/vkey');
    const kept = await text('/v1/checkpoint');
    const user = verifyBundle(await zipOf('type=user&id=bob'), { vkey });
    expect(user.rows).toMatchObject([{ subject: 'bob', verdict: 'nothing-held' }]);
    const period = `type=population&from=${second(0)}&to=${second(9999)}&pinned=11`;
    const population = verifyBundle(await zipOf(period), { vkey, pinned: [kept] });
    expect(population.rows.map((row) => row['subject'])).toEqual(['ada', 'ada', 'ada', 'ada', 'bob']);
    const ofAnother = await (await get('/v1/checkpoint', 'operator-globex')).text();
    const zip = await zipOf(period);
    expect(() => verifyBundle(zip, { vkey, pinned: [ofAnother] })).toThrow('your checkpoint 1: not signed by');
  });

  it('names people only where it is asked to', async () => {
    const named = readZip(await zipOf('type=user&id=ada&names=true'));
    expect(String(named.get('report.csv'))).toContain('Ada Lovelace');
    expect([...readZip(await zipOf('type=user&id=ada&names=false')).keys()]).not.toContain('names.json');
  });

  it('is refused for a period that ends before it begins', async () => {
    const answer = await get(`/v1/evidence?type=population&from=${second(9)}&to=${second(9)}`);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'invalid_period']);
  });

  it('is refused while the ledger is shorter than what was signed, or contradicts it', async () => {
    await text('/v1/checkpoint');
    await world.auditDb
      .updateTable('ledger_leaves')
      .set({ leaf_hash: Buffer.alloc(32) })
      .where('seq', '=', 3)
      .execute();
    await world.auditDb
      .updateTable('ledger_nodes')
      .set({ hash: Buffer.alloc(32) })
      .where('level', '=', 3)
      .execute();
    const altered = await get('/v1/evidence?type=cascade&id=k1');
    expect(altered.status).toBe(500);
    expect(await altered.json()).toMatchObject({ code: 'ledger_inconsistent' });
    await world.auditDb.updateTable('ledger_trees').set({ size: 3 }).where('tenant', '=', 'acme').execute();
    const behind = await get('/v1/checkpoint');
    expect([behind.status, behind.headers.get('retry-after')]).toEqual([503, '30']);
  });
});

describe('the trail', () => {
  it('tells what happened in sentences with names, the newest first', async () => {
    const { items } = (await (await get('/v1/trail?subject=ada&limit=2')).json()) as { items: { sentence: string }[] };
    expect(items.map((line) => line.sentence)).toEqual([
      'Target t3: parked (permanent: no revocation); tried again at 2026-03-02T10:00:00.000Z.',
      'Target t2: attempt 1 failed (provider-error); due again at 2026-03-01T09:02:20.000Z.',
    ]);
    expect(await text(`/v1/trail?subject=ada&order=oldest`)).toContain('Ada Lovelace was deactivated');
  });

  it.each([
    ['cascade=k2', ['NothingToRevoke']],
    ['target=t1&order=oldest', ['RevocationAcknowledged', 'RevocationVerified']],
    [`from=${second(150)}&to=${second(151)}`, ['UserDeactivated']],
  ])('is found by what it concerns and when: %s', async (query, expected) => {
    const { items } = (await (await get(`/v1/trail?${query}`)).json()) as { items: { type: string }[] };
    expect(items.map((line) => line.type)).toEqual(expected);
  });
});

describe('one event', () => {
  it('comes with its bytes, its path and the checkpoint they lead to', async () => {
    const proof = (await (await get('/v1/events/2/proof')).json()) as Record<string, string>;
    const leaf = createHash('sha256')
      .update(Buffer.from([0]))
      .update(proof['event'] as string);
    expect(proof).toMatchObject({ seq: 2, type: 'UserDeactivated', leafHash: leaf.digest('base64') });
    expect(proof['path']).toHaveLength(4);
    expect(proof['checkpoint']).toBe(await text('/v1/checkpoint'));
    expect(proof['checkpoint']).toMatch(/^audit\.example\/acme\n11\n/);
  });
});
