// Makes evidence bundles `deprovision-evidence/v1`: a zip that verifies offline with the verifier it carries.
import { createHash, type Hash as Hasher } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Clock } from '@app/runtime';
import { ZipFile } from 'yazl';
import { ScopeReader, type EvidenceScope, type Selection } from './bundle-scope.js';
import { parseCheckpoint } from './checkpoint.js';
import type { Checkpoints, SignedCheckpoint } from './checkpoints.js';
import type { Ledger, LedgerEvent } from './ledger.js';
import type { ResolveNames, Trail } from './trail.js';
import { Account, FORMAT, reportCsv, reportHtml } from './verifier/verify.mjs';

export interface BundleOptions {
  /** Sizes of checkpoints that the auditor kept: the bundle then proves that it continues them. */
  readonly pinnedSizes?: readonly number[];
  /** Adds names to the report. They leave the reach of a later erasure: absent by default. */
  readonly resolveNames?: ResolveNames;
}

export interface EvidenceBundle {
  readonly fileName: string;
  /** The zip, made while it is read; destroyed with an error when it cannot be completed. */
  readonly content: Readable;
}

export interface BundleParts {
  readonly ledger: Ledger;
  readonly trail: Trail;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
}

/** Earlier checkpoints that every bundle is proved to continue. */
const PINNED = 20;

const VERIFIER = new URL('./verifier/verify.mjs', import.meta.url);

export class EvidenceBundles {
  private readonly scopes: ScopeReader;

  constructor(private readonly parts: BundleParts) {
    this.scopes = new ScopeReader(parts.ledger, parts.trail);
  }

  /**
   * A bundle of what ledger and trail have both seen by now, under a fresh checkpoint.
   * @throws NothingInScope, InconsistentLedger, LedgerBehind
   */
  async create(tenant: string, scope: EvidenceScope, options: BundleOptions = {}): Promise<EvidenceBundle> {
    const { ledger, trail, checkpoints, clock } = this.parts;
    const size = Math.min(await ledger.size(tenant), await trail.size(tenant));
    const selection = scope.type === 'population' ? undefined : await this.scopes.select(tenant, scope, size);
    const checkpoint = await checkpoints.sign(tenant, size);
    const createdAt = clock.iso();
    const zip = new BundleFile(createdAt);
    void this.write(zip, { tenant, scope, options, checkpoint, createdAt, selection }).catch((error: Error) =>
      zip.content.destroy(error),
    );
    return {
      fileName: `evidence-${tenant}-${scope.type}-${createdAt.replaceAll(/[:.]/g, '')}.zip`,
      content: zip.content,
    };
  }

  private async write(zip: BundleFile, order: Order): Promise<void> {
    const { ledger, checkpoints } = this.parts;
    const { tenant, scope, checkpoint, selection } = order;
    const { size } = checkpoint;
    const account = new Account(scope);
    const told = { count: 0 };
    const pages = selection ? ledger.eventsAt(tenant, selection.seqs) : ledger.events(tenant, 0, size);
    await zip.stream('events.ndjson', linesOf(pages, account, told));
    if (selection === undefined) await zip.stream('leaves.bin', ledger.leafHashes(tenant, 0, size), false);
    else await zip.stream('proofs.ndjson', this.proofs(tenant, selection, size));
    zip.file('checkpoint', checkpoint.note);
    for (const [name, text] of await this.pinned(order)) zip.file(name, text);
    const names = await this.names(order, account);
    const { origin, root } = parseCheckpoint(checkpoint.note);
    const about = { tenant, origin, scope, createdAt: order.createdAt, tree: { size, root: root.toString('base64') } };
    if (Object.keys(names).length > 0) zip.file('names.json', JSON.stringify(names));
    zip.file('report.csv', reportCsv(account, { ...about, names }));
    zip.file('report.html', reportHtml(account, { ...about, names }));
    zip.file('keys/log.vkey', `${checkpoints.vkey(tenant)}\n`);
    zip.file('verify.mjs', await readFile(VERIFIER));
    const policies = [...account.cascades.values()].map((cascade) => cascade.policy).filter(Boolean);
    zip.close(
      {
        format: FORMAT,
        ...about,
        events: { count: told.count },
        quoted: selection?.quoted ?? [],
        open: account.open(),
        policyHashes: [...new Set(policies)].sort(),
      },
      (text) => checkpoints.signNote(tenant, text),
    );
  }

  private async *proofs(tenant: string, { seqs }: Selection, size: number): AsyncGenerator<string> {
    for (let start = 0; start < seqs.length; start += 1000) {
      const chunk = seqs.slice(start, start + 1000);
      const paths = await this.parts.ledger.inclusionProofs(tenant, chunk, size);
      const lines = paths.map((path, i) => ({ index: chunk[i], path: path.map((hash) => hash.toString('base64')) }));
      yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    }
  }

  /** Earlier checkpoints with the proof that this log continues them; only the proof where the auditor has the note. */
  private async pinned({ tenant, checkpoint, options }: Order): Promise<[name: string, text: string][]> {
    const { ledger, checkpoints } = this.parts;
    const earlier = await checkpoints.earlier(tenant, checkpoint.size, PINNED);
    const asked = (options.pinnedSizes ?? []).filter((size) => size < checkpoint.size);
    const files: [string, string][] = earlier.map(({ size, note }) => [`pinned/${size}.checkpoint`, note]);
    for (const size of new Set([...earlier.map((c) => c.size), ...asked])) {
      const proof = await ledger.consistencyProof(tenant, size, checkpoint.size);
      files.push([`pinned/${size}.consistency`, proof.map((hash) => `${hash.toString('base64')}\n`).join('')]);
    }
    return files;
  }

  private async names({ tenant, options }: Order, account: Account): Promise<Record<string, string>> {
    if (options.resolveNames === undefined) return {};
    const ids = new Set([...account.cascades.values()].map((cascade) => cascade.subject.id));
    for (const deny of account.denies.values()) ids.add(deny.id);
    const nameOf = await options.resolveNames(tenant, [...ids]);
    return Object.fromEntries([...ids].map((id) => [id, nameOf(id)]).filter(([id, name]) => id !== name));
  }
}

interface Order {
  readonly tenant: string;
  readonly scope: EvidenceScope;
  readonly options: BundleOptions;
  readonly checkpoint: SignedCheckpoint;
  readonly createdAt: string;
  /** Undefined for a population: its bundle holds the whole log. */
  readonly selection: Selection | undefined;
}

async function* linesOf(
  pages: AsyncIterable<LedgerEvent[]>,
  account: Account,
  told: { count: number },
): AsyncGenerator<Buffer> {
  const newline = Buffer.from('\n');
  for await (const page of pages) {
    for (const { bytes, seq } of page) account.add(JSON.parse(bytes.toString('utf8')) as StoredEvent, `event ${seq}`);
    told.count += page.length;
    yield Buffer.concat(page.flatMap(({ bytes }) => [bytes, newline]));
  }
}

type StoredEvent = Parameters<Account['add']>[0];

/** The zip being written: notes the hash of each file, and closes with the manifest that lists them. */
class BundleFile {
  private readonly zip = new ZipFile();
  private readonly hashes: Record<string, string> = {};
  readonly content = this.zip.outputStream as Readable;

  constructor(private readonly createdAt: string) {
    this.zip.on('error', (error: Error) => this.content.destroy(error));
  }

  file(name: string, content: string | Buffer): void {
    const bytes = Buffer.from(content);
    this.hashes[name] = createHash('sha256').update(bytes).digest('hex');
    this.zip.addBuffer(bytes, name, { mtime: new Date(this.createdAt) });
  }

  /** Resolves when all of it was taken by whoever reads the zip. */
  stream(name: string, chunks: AsyncIterable<string | Buffer>, compress = true): Promise<void> {
    const hash = createHash('sha256');
    return new Promise((resolve, reject) => {
      const input = Readable.from(hashed(chunks, hash), { objectMode: false });
      input.on('error', reject).on('end', () => {
        this.hashes[name] = hash.digest('hex');
        resolve();
      });
      this.zip.addReadStream(input, name, { mtime: new Date(this.createdAt), compress });
    });
  }

  close(manifest: object, sign: (text: string) => string): void {
    const bytes = Buffer.from(`${JSON.stringify({ ...manifest, files: this.hashes }, null, 2)}\n`);
    const hash = createHash('sha256').update(bytes).digest('hex');
    this.zip.addBuffer(bytes, 'manifest.json', { mtime: new Date(this.createdAt) });
    this.zip.addBuffer(Buffer.from(sign(`${FORMAT}\n${hash}\n`)), 'manifest.note', { mtime: new Date(this.createdAt) });
    this.zip.end();
  }
}

async function* hashed(chunks: AsyncIterable<string | Buffer>, hash: Hasher): AsyncGenerator<string | Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
