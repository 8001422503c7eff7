import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock, openPostgres, openSqlite } from '@app/runtime';
import { startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import { EvidenceBundles } from './bundle.js';
import { Cascades } from './cascades.js';
import { CascadesView } from './cascades.view.js';
import { Checkpoints } from './checkpoints.js';
import { proveEvent } from './event-proof.js';
import { Ledger } from './ledger.js';
import { LedgerView } from './ledger.view.js';
import { Offboarding, second } from './offboarding.fixture.js';
import { follow, RecordedLog } from './recorded-log.fixture.js';
import { Trail } from './trail.js';
import { TrailView } from './trail.view.js';
import { verifyBundle } from './verifier/verify.mjs';

const key = createPrivateKey(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
const projections = () => [new LedgerView(), new TrailView(), new CascadesView()];

let postgres: PrivatePostgres;
let dbs: { name: string; db: Kysely<AuditDb> }[];
let log: RecordedLog;

beforeAll(async () => {
  postgres = await startPrivatePostgres();
  dbs = [
    { name: 'sqlite', db: openSqlite<AuditDb>(':memory:') },
    { name: 'postgres', db: await openPostgres<AuditDb>(postgres.url, 'audit') },
  ];
  log = new RecordedLog();
  new Offboarding(log).tell();
  new Offboarding(log, 'globex').tell();
  for (const { db } of dbs) {
    for (const projection of projections()) await projection.migrate(db);
    await follow(db, projections(), log.events, 7);
  }
}, 60_000);

afterAll(async () => {
  for (const { db } of dbs ?? []) await db.destroy();
  await postgres?.stop();
});

const partsOf = (db: Kysely<AuditDb>) => {
  const clock = new ManualClock(Date.parse('2026-03-01T10:00:00.000Z'));
  const ledger = new Ledger(db);
  const trail = new Trail(db);
  const checkpoints = new Checkpoints({ db, ledger, clock, logName: 'audit.example', key });
  const bundles = new EvidenceBundles({ ledger, trail, checkpoints, clock });
  return { ledger, trail, checkpoints, bundles, cascades: new Cascades(db) };
};
type Parts = ReturnType<typeof partsOf>;

/** Asks both databases and expects one answer. */
async function answerOf<T>(ask: (parts: Parts) => Promise<T>): Promise<T> {
  const answers: T[] = [];
  for (const { db } of dbs) answers.push(await ask(partsOf(db)));
  expect(answers[1]).toEqual(answers[0]);
  return answers[0] as T;
}

const read = async (parts: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of parts) chunks.push(chunk);
  return Buffer.concat(chunks).toString('hex');
};

describe('SQLite and PostgreSQL', () => {
  it('grow the same tree and prove the same events', async () => {
    expect((await answerOf(({ ledger }) => ledger.head('acme'))).size).toBe(19);
    expect(await answerOf(({ ledger }) => read(ledger.leafHashes('acme', 0, 19)))).toHaveLength(19 * 64);
    expect(await answerOf(({ ledger }) => ledger.consistencyProof('acme', 7, 19))).not.toHaveLength(0);
    expect(await answerOf((parts) => proveEvent(parts, 'acme', 6))).toMatchObject({ type: 'UserDeactivated' });
    expect((await answerOf(({ checkpoints }) => checkpoints.sign('acme'))).size).toBe(19);
  });

  it('tell the same trail', async () => {
    const backwards = { direction: 'backwards', limit: 4 } as const;
    expect((await answerOf(({ trail }) => trail.trail('acme'))).lines).toHaveLength(19);
    expect(
      (await answerOf(({ trail }) => trail.trail('acme', { ...backwards, subjects: ['ada'] }))).next,
    ).toBeDefined();
    expect((await answerOf(({ trail }) => trail.trail('acme', { cascadeId: 'k2' }))).lines).toHaveLength(1);
    const period = { from: second(150), to: second(201) };
    expect((await answerOf(({ trail }) => trail.trail('acme', period))).lines).toHaveLength(2);
    expect(await answerOf(({ trail }) => trail.placesOf('acme', 'bob', 19))).toHaveLength(3);
  });

  it('show the same lists, counts and pages', async () => {
    expect(await answerOf(({ cascades }) => cascades.cascade('acme', 'k1'))).toMatchObject({ settledCount: 4 });
    for (const query of [{}, { personId: 'ada' }, { providerId: 'github' }, { startedSince: second(120) }]) {
      expect((await answerOf(({ cascades }) => cascades.cascades('acme', query))).items).not.toHaveLength(0);
    }
    for (const query of [{ state: 'settled' as const }, { holderId: 'agent-7' }, { providerId: 'github' }]) {
      expect((await answerOf(({ cascades }) => cascades.targets('acme', query))).items).not.toHaveLength(0);
    }
    const first = await answerOf(({ cascades }) => cascades.targets('acme', { limit: 3 }));
    const cursor = first.next as string;
    expect((await answerOf(({ cascades }) => cascades.targets('acme', { cursor, limit: 3 }))).items).toHaveLength(1);
    expect(await answerOf(({ cascades }) => cascades.countsByState('acme'))).toMatchObject({ verified: 1, waived: 1 });
    expect(await answerOf(({ cascades }) => cascades.backlog('acme'))).toMatchObject({ pending: 0, openCascades: 0 });
  });

  it('make bundles that verify', async () => {
    for (const scope of [
      { type: 'cascade', cascadeId: 'k1' } as const,
      { type: 'user', userId: 'bob' } as const,
      { type: 'population', from: second(0), to: second(999) } as const,
    ]) {
      const rows = await answerOf(async ({ bundles, checkpoints }) => {
        const { content } = await bundles.create('acme', scope);
        return verifyBundle(await buffer(content), { vkey: checkpoints.vkey('acme') }).rows;
      });
      expect(rows).not.toHaveLength(0);
    }
  });
});
