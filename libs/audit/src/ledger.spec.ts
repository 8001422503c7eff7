import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@app/runtime';
import { generateKeyPairSync } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import { openNote, parseCheckpoint } from './checkpoint.js';
import { Checkpoints, InconsistentLedger, LedgerBehind, type SignedCheckpoint } from './checkpoints.js';
import { proveEvent } from './event-proof.js';
import { Ledger, type LedgerEvent } from './ledger.js';
import { LedgerView } from './ledger.view.js';
import { Frontier, leafHash, verifyConsistency, verifyInclusion } from './merkle.js';
import { follow, openViews, RecordedLog } from './recorded-log.fixture.js';

let db: Kysely<AuditDb>;
let log: RecordedLog;
const view = new LedgerView();

beforeEach(async () => {
  db = await openViews(view);
  log = new RecordedLog();
});
afterEach(() => db.destroy());

function changeUsers(count: number, tenant = 'acme'): void {
  for (let i = 0; i < count; i += 1) {
    const userId = `u${i % 7}`;
    log.record('UserDeactivated', { userId }, { tenant, stream: `user-${tenant}-${userId}` });
  }
}

function rootOf(tenant: string): Buffer {
  const frontier = Frontier.empty();
  for (const event of log.events) if (event.metadata.tenant === tenant) frontier.append(leafHash(event.bytes));
  return frontier.root();
}

describe('the ledger', () => {
  it('has one gapless tree per tenant over the exact bytes, however the log is cut into batches', async () => {
    changeUsers(20, 'acme');
    changeUsers(3, 'globex');
    changeUsers(40, 'acme');
    for (const batch of [1, 7, 1000]) {
      const fresh = await openViews(view);
      await follow(fresh, [view], log.events, batch);
      const ledger = new Ledger(fresh);
      expect(await ledger.head('acme')).toEqual({ size: 60, root: rootOf('acme') });
      expect(await ledger.head('globex')).toEqual({ size: 3, root: rootOf('globex') });
      expect((await ledger.head('initech')).size).toBe(0);
      await fresh.destroy();
    }
  });

  it('returns the events of streams with their exact bytes and places', async () => {
    changeUsers(20);
    await follow(db, [view], log.events);
    const ledger = new Ledger(db);
    const places = await ledger.placesOf('acme', ['user-acme-u1', 'user-acme-u6'], 14);
    const found: LedgerEvent[] = [];
    for await (const page of ledger.eventsAt('acme', places)) found.push(...page);
    expect(await ledger.placeOf('acme', 'user-acme-u6', 1)).toBe(13);
    expect(await ledger.placeOf('acme', 'user-acme-u6', 9)).toBeUndefined();
    expect(found.map((e) => [e.seq, e.stream, e.revision, e.position])).toEqual([
      [1, 'user-acme-u1', 0, 20n],
      [6, 'user-acme-u6', 0, 70n],
      [8, 'user-acme-u1', 1, 90n],
      [13, 'user-acme-u6', 1, 140n],
    ]);
    expect(found.every((e) => e.bytes.equals((log.events[e.seq] as { bytes: Uint8Array }).bytes))).toBe(true);
  });

  it('pages through events and leaf hashes in order', async () => {
    changeUsers(25);
    await follow(db, [view], log.events);
    const ledger = new Ledger(db);
    const seqs: number[][] = [];
    for await (const page of ledger.events('acme', 3, 20, 10)) seqs.push(page.map((e) => e.seq));
    expect(seqs.map((page) => page.length)).toEqual([10, 7]);
    expect(seqs.flat()).toEqual(Array.from({ length: 17 }, (_, i) => i + 3));
    const hashes: Buffer[] = [];
    for await (const page of ledger.leafHashes('acme', 0, 25, 10)) hashes.push(page);
    expect(Buffer.concat(hashes)).toEqual(Buffer.concat(log.events.map((e) => leafHash(e.bytes))));
  });

  it('proves every event in the tree of now and of earlier, and that one grew from the other', async () => {
    changeUsers(100);
    await follow(db, [view], log.events, 9);
    const ledger = new Ledger(db);
    for (const size of [100, 64, 37]) {
      const { root } = await ledger.head('acme', size);
      const indices = Array.from({ length: size }, (_, i) => i);
      const proofs = await ledger.inclusionProofs('acme', indices, size);
      const valid = indices.map((i) =>
        verifyInclusion(leafHash((log.events[i] as { bytes: Uint8Array }).bytes), i, size, proofs[i] as Buffer[], root),
      );
      expect(valid).toEqual(indices.map(() => true));
      const proof = await ledger.consistencyProof('acme', size, 100);
      expect(verifyConsistency({ size, root }, await ledger.head('acme'), proof)).toBe(true);
    }
  });

  it('has no head at a size it has not reached', async () => {
    changeUsers(3);
    await follow(db, [view], log.events);
    await expect(new Ledger(db).head('acme', 4)).rejects.toThrow(RangeError);
  });
});

describe('checkpoints', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  let published: [string, SignedCheckpoint][];
  let checkpoints: Checkpoints;

  beforeEach(() => {
    published = [];
    checkpoints = new Checkpoints({
      db,
      ledger: new Ledger(db),
      clock: new ManualClock(),
      logName: 'audit.example',
      key: privateKey,
      publish: (tenant, checkpoint) => void published.push([tenant, checkpoint]),
    });
  });

  it('are signed under the name of the tenant and go outside once each', async () => {
    changeUsers(5);
    await follow(db, [view], log.events);
    const signed = await checkpoints.sign('acme');
    const text = openNote(signed.note, checkpoints.vkey('acme'));
    expect(parseCheckpoint(text)).toEqual({ origin: 'audit.example/acme', size: 5, root: rootOf('acme') });
    expect(() => openNote(signed.note, checkpoints.vkey('globex'))).toThrow('is not signed by');
    expect(await checkpoints.sign('acme')).toEqual(signed);
    expect(published).toEqual([['acme', signed]]);
  });

  it('prove one event to whoever has its bytes, the path and the key', async () => {
    changeUsers(11);
    await follow(db, [view], log.events);
    const proof = await proveEvent({ ledger: new Ledger(db), checkpoints }, 'acme', 4);
    if (proof === undefined) throw new Error('no proof');
    const { size, root } = parseCheckpoint(openNote(proof.checkpoint, checkpoints.vkey('acme')));
    const path = proof.path.map((hash) => Buffer.from(hash, 'base64'));
    expect(proof).toMatchObject({ seq: 4, eventId: 'event-5', type: 'UserDeactivated' });
    expect(verifyInclusion(leafHash(Buffer.from(proof.event)), 4, size, path, root)).toBe(true);
    expect(verifyInclusion(leafHash(Buffer.from(`${proof.event} `)), 4, size, path, root)).toBe(false);
    expect(await proveEvent({ ledger: new Ledger(db), checkpoints }, 'acme', 11)).toBeUndefined();
    expect(await proveEvent({ ledger: new Ledger(db), checkpoints }, 'globex', 0)).toBeUndefined();
  });

  it('are remembered, the newest first', async () => {
    for (let i = 0; i < 3; i += 1) {
      const from = log.events.length;
      changeUsers(4);
      await follow(db, [view], log.events.slice(from));
      await checkpoints.sign('acme');
    }
    expect((await checkpoints.earlier('acme', 12, 10)).map((c) => c.size)).toEqual([8, 4]);
    expect((await checkpoints.newest('acme'))?.size).toBe(12);
  });

  it('are refused for a ledger that was rewritten since the last one', async () => {
    changeUsers(6);
    await follow(db, [view], log.events);
    await checkpoints.sign('acme');
    for (const table of ['ledger_trees', 'ledger_leaves', 'ledger_nodes'] as const)
      await db.deleteFrom(table).execute();
    log = new RecordedLog();
    log.record('UserDeleted', { userId: 'u0', userNameHash: 'h' }, { stream: 'user-acme-u0' });
    changeUsers(9);
    await follow(db, [view], log.events);
    await expect(checkpoints.sign('acme')).rejects.toThrow(InconsistentLedger);
    expect(published).toHaveLength(1);
  });

  it('are refused for a ledger that is shorter than what was signed', async () => {
    changeUsers(6);
    await follow(db, [view], log.events);
    await checkpoints.sign('acme');
    await expect(checkpoints.sign('acme', 5)).rejects.toThrow(LedgerBehind);
  });
});
