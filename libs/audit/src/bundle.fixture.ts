// A place with a ledger, a trail and a key for the bundle specs, and the means to tamper with what it makes.
import { ManualClock } from '@app/runtime';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Kysely } from 'kysely';
import { ZipFile } from 'yazl';
import type { AuditDb } from './audit-db.js';
import { EvidenceBundles, type BundleOptions } from './bundle.js';
import type { EvidenceScope } from './bundle-scope.js';
import { signNote } from './checkpoint.js';
import { Checkpoints } from './checkpoints.js';
import { Ledger } from './ledger.js';
import { LedgerView } from './ledger.view.js';
import { follow, openViews, type RecordedLog } from './recorded-log.fixture.js';
import { Trail } from './trail.js';
import { TrailView } from './trail.view.js';
import { Account, EvidenceFailure, FORMAT, readZip, reportCsv, reportHtml, verifyBundle } from './verifier/verify.mjs';

export type Files = Map<string, Buffer>;

/** What a forger may put anything into. */
export type Manifest = Record<'scope' | 'tree' | 'events' | 'quoted' | 'createdAt' | 'files', unknown>;

/** The operator of the log: has the key, and in the worst case bad intentions. */
export class Operator {
  readonly clock = new ManualClock(Date.parse('2026-03-01T10:00:00.000Z'));
  readonly bundles: EvidenceBundles;
  readonly checkpoints: Checkpoints;
  private followed = 0;

  private constructor(
    readonly db: Kysely<AuditDb>,
    readonly log: RecordedLog,
    readonly key: KeyObject,
  ) {
    const ledger = new Ledger(db);
    this.checkpoints = new Checkpoints({ db, ledger, clock: this.clock, logName: 'audit.example', key });
    this.bundles = new EvidenceBundles({
      ledger,
      trail: new Trail(db),
      checkpoints: this.checkpoints,
      clock: this.clock,
    });
  }

  static async of(log: RecordedLog, key = generateKeyPairSync('ed25519').privateKey): Promise<Operator> {
    const operator = new Operator(await openViews(new LedgerView(), new TrailView()), log, key);
    await operator.catchUp();
    return operator;
  }

  async catchUp(): Promise<void> {
    await follow(this.db, [new LedgerView(), new TrailView()], this.log.events.slice(this.followed), 7);
    this.followed = this.log.events.length;
  }

  get vkey(): string {
    return this.checkpoints.vkey('acme');
  }

  async bundle(scope: EvidenceScope, options?: BundleOptions): Promise<Buffer> {
    const { content } = await this.bundles.create('acme', scope, options);
    return buffer(content);
  }

  /** Signs the manifest anew over whatever the files have become: what only the operator can do. */
  resign(files: Files, change: (manifest: Record<string, unknown>) => void = () => undefined): Promise<Buffer> {
    const manifest = JSON.parse(String(files.get('manifest.json'))) as Record<string, unknown>;
    manifest['files'] = Object.fromEntries(
      [...files]
        .filter(([name]) => name !== 'manifest.json' && name !== 'manifest.note')
        .map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]),
    );
    change(manifest);
    const bytes = Buffer.from(JSON.stringify(manifest));
    const note = `${FORMAT}\n${createHash('sha256').update(bytes).digest('hex')}\n`;
    files.set('manifest.json', bytes);
    files.set('manifest.note', Buffer.from(signNote(note, 'audit.example/acme', this.key)));
    return zipOf(files);
  }

  /** Makes reports and lists anew from whatever the events have become, and signs: the most an operator can do. */
  forge(files: Files, change: (manifest: Manifest) => void = () => undefined): Promise<Buffer> {
    const manifest = JSON.parse(String(files.get('manifest.json'))) as Manifest;
    const lines = String(files.get('events.ndjson')).split('\n').filter(Boolean);
    manifest.events = { count: lines.length };
    change(manifest);
    const account = new Account(manifest.scope as EvidenceScope);
    lines.forEach((line, i) => account.add(JSON.parse(line), `event ${i}`));
    const context = { ...manifest, names: {} } as unknown as Parameters<typeof reportCsv>[1];
    files.set('report.csv', Buffer.from(reportCsv(account, context)));
    files.set('report.html', Buffer.from(reportHtml(account, context)));
    return this.resign(files, (signed) =>
      Object.assign(signed, manifest, { files: signed['files'], open: account.open() }),
    );
  }
}

/** What the verifier says: `verified`, or why not. */
export function verdictOf(bundle: Buffer | Files, vkey: string, pinned: string[] = []): string {
  try {
    verifyBundle(bundle, { vkey, pinned });
  } catch (error) {
    if (error instanceof EvidenceFailure) return error.message;
    throw error;
  }
  return 'verified';
}

export const unzip = (zip: Buffer): Files => readZip(zip);

export function zipOf(files: Files): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, bytes] of files) zip.addBuffer(bytes, name);
  zip.end();
  return buffer(zip.outputStream);
}

/** Replaces the lines of one of the ndjson files. */
export function editLines(files: Files, name: string, edit: (lines: string[]) => string[]): void {
  const lines = String(files.get(name)).trimEnd().split('\n');
  files.set(
    name,
    Buffer.from(
      edit(lines)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  );
}
