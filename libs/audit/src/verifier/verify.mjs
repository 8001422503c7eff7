#!/usr/bin/env node
// @ts-check
// Verifies an evidence bundle offline: one file without dependencies, so that an auditor can read all of it.
//
//   node verify.mjs bundle.zip --vkey "<name+hash+key>" [--pinned <checkpoint file>]...
//
// In place of the zip, the folder it was unpacked into will do.
// Exit 0: everything holds. Exit 4: something does not, and the last line says where. Exit 2: wrong usage.
// This file, the verifier key, and any checkpoint given with --pinned must come from the auditor's own records: whoever
// made the bundle could have put anything into it. Needs Node 20.15 or newer. Nothing is written, no connection is opened.
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, inflateRawSync } from 'node:zlib';

export const FORMAT = 'deprovision-evidence/v1';

/** The evidence does not hold. The message names the file, event or cascade that fails. */
export class EvidenceFailure extends Error {}

/** @type {(message: string) => never} */
const fail = (message) => {
  throw new EvidenceFailure(message);
};

/** @type {(...parts: (Uint8Array | string)[]) => Buffer} */
const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** @param {unknown} n */
const isCount = (n) => Number.isSafeInteger(n) && Number(n) >= 0;

// --- the zip container (APPNOTE 4.3), stored or deflated, below 4 GiB. Programs differ in where they look: at the
// directory, at the files in front of it, at the end of what is packed. Only a zip they all read alike is accepted.

/** @typedef {{ name: string, method: number, crc: number, packed: number, size: number, offset: number, header: Buffer, trailer: Buffer }} ZipEntry */

/** Bytes, unpacked: what is read before a signature was checked, and what a verifier has room for. */
const LIMITS = { manifest: 16 * 2 ** 20, all: 2 ** 31 };

/** @param {{ name: string, size: number }[]} files as they claim to be */
function checkSizes(files) {
  let all = 0;
  for (const { name, size } of files) {
    all += size;
    if (name.startsWith('manifest.') && size > LIMITS.manifest) fail(`${name}: ${size} bytes are too many for it`);
  }
  if (all > LIMITS.all) fail(`the bundle unpacks to ${all} bytes: more than ${LIMITS.all}`);
}

/** @param {Buffer} zip @returns {Map<string, Buffer>} files by name */
export function readZip(zip) {
  const { entries, start: directory } = readDirectory(zip);
  checkSizes(entries);
  const files = new Map();
  let at = 0;
  for (const entry of entries) {
    const { name, offset, header, packed, trailer } = entry;
    const start = at + header.length;
    const end = start + packed + trailer.length;
    const isThere = offset === at && zip.subarray(at, start).equals(header);
    if (!isThere || end > directory || !zip.subarray(end - trailer.length, end).equals(trailer))
      fail(`zip: at byte ${at} is not ${name} as the directory has it`);
    if (files.has(name)) fail(`zip: ${name} is there twice`);
    files.set(name, unpack(entry, zip.subarray(start, start + packed)));
    at = end;
  }
  return at === directory ? files : fail(`zip: the bytes from ${at} to ${directory} belong to no file`);
}

/** The directory (4.3.12) ends where the end record (4.3.16) begins, and that ends the file. @param {Buffer} zip */
function readDirectory(zip) {
  const end = zip.length - 22;
  if (end < 0 || zip.readUInt32LE(end) !== 0x06054b50 || zip.readUInt16LE(end + 20) !== 0)
    fail('the bundle is not a complete zip file');
  const [count, size, start] = [zip.readUInt16LE(end + 10), zip.readUInt32LE(end + 12), zip.readUInt32LE(end + 16)];
  const isOneDisk = zip.readUInt32LE(end + 4) === 0 && zip.readUInt16LE(end + 8) === count;
  if (!isOneDisk || start + size !== end) fail('zip: its directory is not where its end record says');
  /** @type {ZipEntry[]} */
  const entries = [];
  let at = start;
  while (at < end) {
    const { entry, next } = readEntry(zip, at, end);
    entries.push(entry);
    at = next;
  }
  if (entries.length !== count) fail(`zip: its directory has ${entries.length} entries, its end record says ${count}`);
  return { entries, start };
}

/** One entry of the directory, with what must stand before (4.3.7) and after (4.3.9) the packed bytes. @param {Buffer} zip @param {number} at @param {number} end */
function readEntry(zip, at, end) {
  if (at + 46 > end || zip.readUInt32LE(at) !== 0x02014b50) fail(`zip: no directory entry at byte ${at}`);
  /** @param {number} field */
  const u16 = (field) => zip.readUInt16LE(at + field);
  /** @param {number} field */
  const u32 = (field) => zip.readUInt32LE(at + field);
  const [flags, method, disk, comment] = [u16(8), u16(10), u16(34), u16(32)];
  const extraAt = at + 46 + u16(28);
  const next = extraAt + u16(30);
  const nameBytes = zip.subarray(at + 46, extraAt);
  const name = nameBytes.toString('utf8');
  const isPlain = (flags & ~0x0808) === 0 && (method === 0 || method === 8) && disk === 0 && comment === 0;
  if (next > end || !isPlain || !isTimestamp(zip.subarray(extraAt, next)))
    fail(`zip: ${name} is packed in a way that programs read differently: flags ${flags}, method ${method}`);
  const [sums, fields] = [zip.subarray(at + 16, at + 28), Buffer.from(zip.subarray(at + 6, at + 30))];
  const isStreamed = (flags & 8) !== 0;
  if (isStreamed) fields.fill(0, 10, 22);
  const header = Buffer.concat([Buffer.from('504b0304', 'hex'), fields, Buffer.alloc(2), nameBytes]);
  const trailer = isStreamed ? Buffer.concat([Buffer.from('504b0708', 'hex'), sums]) : Buffer.alloc(0);
  const entry = { name, method, crc: u32(16), packed: u32(20), size: u32(24), offset: u32(42), header, trailer };
  return { entry, next };
}

/** Any other extra field might give a file another name or size. @param {Buffer} extra */
const isTimestamp = (extra) => extra.length === 0 || (extra.length === 9 && extra.readUInt32LE(0) === 0x00055455);

/** @param {ZipEntry} entry @param {Buffer} packed @returns {Buffer} */
function unpack({ name, method, size, crc }, packed) {
  const { buffer: bytes, engine } =
    method === 0 ? { buffer: packed, engine: { bytesWritten: packed.length } } : inflate(name, packed, size);
  if (engine.bytesWritten !== packed.length || bytes.length !== size || crc32(bytes) !== crc)
    fail(`zip: ${name} does not unpack to what the directory says`);
  return bytes;
}

/** @param {string} name @param {Buffer} packed @param {number} size @returns {{ buffer: Buffer, engine: { bytesWritten: number } }} */
function inflate(name, packed, size) {
  try {
    return /** @type {any} */ (inflateRawSync(packed, { info: true, maxOutputLength: Math.max(size, 1) }));
  } catch (error) {
    return fail(`zip: ${name} does not unpack to what the directory says (${/** @type {Error} */ (error).message})`);
  }
}

/** @param {string} folder @returns {Map<string, Buffer>} files by name, as in the zip */
function readFolder(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => !e.isDirectory());
  const files = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).split(sep).join('/');
    return entry.isFile() ? { name, path, size: statSync(path).size } : fail(`${name} is neither a file nor a folder`);
  });
  checkSizes(files);
  return new Map(files.map(({ name, path }) => [name, readFileSync(path)]));
}

// --- signed notes and checkpoints (C2SP signed-note, tlog-checkpoint)

/** @typedef {{ name: string, hash: string, key: import('node:crypto').KeyObject }} VerifierKey */

/** @param {string} vkey `<name>+<hash>+<base64 of type and key>` @returns {VerifierKey} */
function parseVkey(vkey) {
  const [, name = '', hash = '', encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(vkey.trim()) ?? [];
  const typed = Buffer.from(encoded, 'base64');
  const isKey = typed.length === 33 && typed[0] === 1 && sha256(`${name}\n`, typed).toString('hex', 0, 4) === hash;
  if (!isKey) fail('the verifier key is malformed: expected <name>+<hash>+<base64>');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: typed.subarray(1).toString('base64url') };
  return { name, hash, key: createPublicKey({ key: jwk, format: 'jwk' }) };
}

/** @param {string} note @param {VerifierKey} vkey @param {string} what @returns {string} the signed text */
function openNote(note, { name, hash, key }, what) {
  const end = note.lastIndexOf('\n\n');
  const lines = note.slice(end + 2).split('\n');
  const signatures = lines.slice(0, -1).map((line) => /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line));
  if (end < 0 || lines.at(-1) !== '' || signatures.includes(null)) fail(`${what}: not a signed note`);
  const [, , encoded = ''] =
    signatures.find((s) => s?.[1] === name && Buffer.from(s[2] ?? '', 'base64').toString('hex', 0, 4) === hash) ?? [];
  const text = note.slice(0, end + 1);
  const isSigned = verifySignature(null, Buffer.from(text), key, Buffer.from(encoded, 'base64').subarray(4));
  return isSigned ? text : fail(`${what}: not signed by ${name} (key ${hash})`);
}

/** @typedef {{ origin: string, size: number, root: Buffer }} Checkpoint */

/** The name of a key is not signed, the origin is: one key may sign for many logs. @param {string} note @param {VerifierKey} vkey @param {string} what @returns {Checkpoint} */
function openCheckpoint(note, vkey, what) {
  const [origin = '', size = '', encoded = ''] = openNote(note, vkey, what).split('\n');
  const root = Buffer.from(encoded, 'base64');
  if (!/^(0|[1-9]\d{0,14})$/.test(size) || root.length !== 32) fail(`${what}: not a checkpoint`);
  if (origin !== vkey.name) fail(`${what}: is of another log, ${origin}`);
  return { origin, size: Number(size), root };
}

// --- the Merkle tree (RFC 6962 section 2.1)

/** @param {Uint8Array} bytes */
const leafHash = (bytes) => sha256(Buffer.from([0]), bytes);
/** @param {Buffer} left @param {Buffer} right */
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

/** Largest power of two below n. @param {number} n */
const split = (n) => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

/** Root that a leaf and its path lead to. @type {(leaf: Buffer, index: number, size: number, path: Buffer[]) => Buffer | undefined} */
function rootFromPath(leaf, index, size, path) {
  if (size === 1) return path.length === 0 ? leaf : undefined;
  const sibling = path.at(-1);
  const k = split(size);
  const isLeft = index < k;
  const inner = sibling && rootFromPath(leaf, isLeft ? index : index - k, isLeft ? k : size - k, path.slice(0, -1));
  if (!sibling || !inner) return undefined;
  return isLeft ? nodeHash(inner, sibling) : nodeHash(sibling, inner);
}

/** Roots of the first m and of all n leaves. @type {(m: number, n: number, proof: Buffer[], known: Buffer | undefined) => Buffer[] | undefined} */
function rootsFromProof(m, n, proof, known) {
  if (m === n) {
    const root = known ?? proof[0];
    return root && proof.length === (known ? 0 : 1) ? [root, root] : undefined;
  }
  const sibling = proof.at(-1);
  const k = split(n);
  const isLeft = m <= k;
  const inner = isLeft
    ? rootsFromProof(m, k, proof.slice(0, -1), known)
    : rootsFromProof(m - k, n - k, proof.slice(0, -1), undefined);
  const [old, current] = inner ?? [];
  if (!sibling || !old || !current) return undefined;
  return isLeft ? [old, nodeHash(current, sibling)] : [nodeHash(sibling, old), nodeHash(sibling, current)];
}

/** Root over the first `size` leaf hashes. @param {Buffer} leaves @param {number} size */
function rootOfLeaves(leaves, size) {
  if (size === 0) return sha256();
  /** @type {{ level: number, hash: Buffer }[]} */
  const stack = [];
  for (let i = 0; i < size; i += 1) {
    let node = { level: 0, hash: leaves.subarray(i * 32, i * 32 + 32) };
    for (let left = stack.at(-1); left !== undefined && left.level === node.level; left = stack.at(-1)) {
      stack.pop();
      node = { level: node.level + 1, hash: nodeHash(left.hash, node.hash) };
    }
    stack.push(node);
  }
  return stack.map((node) => node.hash).reduceRight((right, left) => nodeHash(left, right));
}

// --- what the events say: cascades, targets, times

/** @typedef {{ id: string, type: string, stream: string, revision: number, data: any, metadata: { tenant: string, at: string, receivedAt?: string } }} StoredEvent */
/** @typedef {{ type: 'cascade', cascadeId: string } | { type: 'user', userId: string } | { type: 'population', from: string, to: string }} Scope */
/** @typedef {{ id: string, plan: any, state: string, grade: string, attempts: number, t2: string, t3: string, t4: string, endedAt: string, remark: string }} Target */
/** @typedef {{ id: string, subject: { type: string, id: string }, cause: any, policy: string, targetCount: number, verdict: string, remark: string, targets: Map<string, Target> }} Cascade */

/** Facts that must be answered, and where they name whom they deny. */
export const DENIES = new Map([
  ['UserDeactivated', 'userId'],
  ['UserDeleted', 'userId'],
  ['AgentDeactivated', 'agentId'],
  ['AgentDeleted', 'agentId'],
  ['ApplicationDeactivated', 'applicationId'],
  ['ApplicationDeleted', 'applicationId'],
]);

/** Clocks of different machines may differ by this much before an order of times counts as impossible. */
const CLOCK_SKEW_MS = 60_000;

/** Times are also compared as text, which needs one form. @param {string} time @param {string} where */
const ms = (time, where) => {
  const value = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time) ? Date.parse(time) : NaN;
  return Number.isFinite(value) ? value : fail(`${where}: ${JSON.stringify(time)} is not a time`);
};

/** @param {string} first @param {string} second @param {string} where */
function checkOrder(first, second, where) {
  if (ms(first, where) > ms(second, where) + CLOCK_SKEW_MS) fail(`${where}: ${second} lies before ${first}`);
}

/** Folds events in ledger order into what the report shows, and refuses what contradicts itself. */
export class Account {
  /** @param {Scope} scope */
  constructor(scope) {
    this.scope = scope;
    /** @type {Map<string, Cascade>} */
    this.cascades = new Map();
    /** Facts a cascade may name as its cause. @type {Map<string, { type: string, stream: string, revision: number, t0: string, t1: string }>} */
    this.causes = new Map();
    /** Denies that must have a cascade. @type {Map<string, { type: string, id: string, t0: string, t1: string }>} */
    this.denies = new Map();
    /** @type {Map<string, { cascade: Cascade, target: Target }>} */
    this.targets = new Map();
  }

  /** @param {StoredEvent} event @param {string} where names the event in a failure */
  add(event, where) {
    const { type, data, stream, revision } = event;
    if (type === 'CascadeStarted' || type === 'NothingToRevoke') this.#start(event, where);
    else if (type === 'RevocationPlanned') this.#plan(event, where);
    else if (type === 'CascadeCompleted') this.#complete(event, where);
    else if (stream.startsWith('revocation-')) this.#advance(event, where);
    else if (this.#isInPeriod(event.metadata.at)) {
      const t0 = event.metadata.receivedAt ?? event.metadata.at;
      this.causes.set(event.id, { type, stream, revision, t0, t1: event.metadata.at });
      const id = data[DENIES.get(type) ?? ''];
      if (id !== undefined && this.#mustBeAnswered(id)) {
        checkOrder(t0, event.metadata.at, where);
        this.denies.set(event.id, { type, id, t0, t1: event.metadata.at });
      }
    }
  }

  /** What has not come to its end, as the manifest must list it. */
  open() {
    const answered = new Set([...this.cascades.values()].map((cascade) => cascade.cause.eventId));
    return {
      cascades: [...this.cascades.values()].filter((c) => c.verdict === 'open').map((c) => c.id),
      denies: [...this.denies.keys()].filter((id) => !answered.has(id)),
    };
  }

  /** @param {string} at */
  #isInPeriod(at) {
    return this.scope.type !== 'population' || (at >= this.scope.from && at < this.scope.to);
  }

  /** @param {string} subject of a deny that is in the period */
  #mustBeAnswered(subject) {
    return this.scope.type === 'population' || (this.scope.type === 'user' && subject === this.scope.userId);
  }

  /** @param {StoredEvent} event @param {string} where */
  #start({ type, data, stream, metadata }, where) {
    const { cause, cascadeId, subject } = data;
    const fact = this.causes.get(cause.eventId);
    if (fact === undefined) {
      if (this.scope.type === 'population') return;
      fail(`${where}: its cause ${cause.eventId} is not in the bundle`);
    }
    const { t0, t1 } = fact;
    const same = [fact.type, fact.stream, fact.revision, t0, t1].join(' ');
    const said = [cause.eventType, cause.stream, cause.revision, cause.receivedAt, cause.deniedAt].join(' ');
    if (same !== said) fail(`${where}: states its cause as ${said}, which was ${same}`);
    if (stream !== `cascade-${metadata.tenant}-${cascadeId}`) fail(`${where}: is in stream ${stream}`);
    checkOrder(t0, t1, where);
    const nothing = type === 'NothingToRevoke';
    this.cascades.set(cascadeId, {
      id: cascadeId,
      subject,
      cause,
      policy: data.policyHash ?? '',
      targetCount: data.targetCount ?? 0,
      verdict: nothing ? 'nothing-held' : 'open',
      remark: nothing ? `nothing was held as of log position ${data.holdingsPosition}` : '',
      targets: new Map(),
    });
  }

  /** @param {StoredEvent} event @param {string} where */
  #plan({ data, stream, metadata }, where) {
    const cascade = this.#cascade(data.cascadeId, where);
    if (cascade === undefined) return;
    if (stream !== `cascade-${metadata.tenant}-${cascade.id}`) fail(`${where}: is in stream ${stream}`);
    for (const plan of data.targets) {
      if (this.targets.has(plan.targetId)) fail(`${where}: target ${plan.targetId} is planned twice`);
      const blank = { grade: '', attempts: 0, t2: '', t3: '', t4: '', endedAt: '', remark: '' };
      const target = { id: plan.targetId, plan, state: 'planned', ...blank };
      cascade.targets.set(target.id, target);
      this.targets.set(target.id, { cascade, target });
    }
  }

  /** @param {StoredEvent} event @param {string} where */
  #complete({ data }, where) {
    const cascade = this.#cascade(data.cascadeId, where);
    if (cascade === undefined) return;
    /** @type {Record<string, number>} */
    const counts = { A: 0, B: 0, C: 0, W: 0 };
    for (const { id, endedAt, grade } of cascade.targets.values()) {
      if (endedAt === '') fail(`${where}: says complete, but target ${id} has not ended`);
      counts[grade] = (counts[grade] ?? 0) + 1;
    }
    const [planned, stated] = [cascade.targets.size, cascade.targetCount];
    if (planned !== stated) fail(`${where}: ${planned} targets were planned, the cascade started with ${stated}`);
    for (const [grade, n] of Object.entries(counts)) {
      if ((data.counts[grade] ?? 0) !== n)
        fail(`${where}: counts ${data.counts[grade]} of grade ${grade}, the events have ${n}`);
    }
    cascade.verdict = Number(counts['W']) > 0 ? 'complete-with-waivers' : 'complete';
    if (data.verdict !== cascade.verdict) fail(`${where}: states ${data.verdict}, the events say ${cascade.verdict}`);
  }

  /** @param {StoredEvent} event @param {string} where */
  #advance({ type, data, stream, metadata }, where) {
    const known = this.targets.get(data.targetId);
    if (known === undefined) {
      if (this.scope.type === 'population') return;
      return fail(`${where}: target ${data.targetId} was never planned`);
    }
    const { cascade, target } = known;
    if (stream !== `revocation-${metadata.tenant}-${target.id}`)
      fail(`${where}: target ${target.id} in stream ${stream}`);
    if (data.cascadeId !== cascade.id) fail(`${where}: target ${target.id} belongs to cascade ${cascade.id}`);
    if (data.attempt !== undefined) {
      checkOrder(cascade.cause.deniedAt, data.attempt.startedAt, where);
      checkOrder(data.attempt.startedAt, data.attempt.endedAt, where);
      target.attempts = data.attempt.number;
      target.t2 ||= data.attempt.startedAt;
    }
    const advance = ADVANCES[type];
    if (advance !== undefined) Object.assign(target, advance(data, metadata));
  }

  /** Of a cascade that began before the period of a population, only the end is there: it is not looked at. @param {string} id @param {string} where */
  #cascade(id, where) {
    const cascade = this.cascades.get(id);
    if (cascade === undefined && this.scope.type !== 'population') fail(`${where}: cascade ${id} never started`);
    return cascade;
  }
}

/** What each event does to its target. @type {Record<string, (data: any, metadata: { at: string }) => Partial<Target>>} */
const ADVANCES = {
  RevocationAcknowledged: (d) => ({
    state: 'acknowledged',
    grade: 'B',
    t3: d.attempt.endedAt,
    endedAt: d.verifyAt === undefined ? d.attempt.endedAt : '',
    remark: d.evidence.adapter,
  }),
  RevocationVerified: (d) => ({
    state: 'verified',
    grade: 'A',
    t4: d.attempt.endedAt,
    endedAt: d.attempt.endedAt,
    remark: d.evidence.adapter,
  }),
  VerificationFailed: (d) => ({
    state: d.parked === true ? 'parked' : 'deferred',
    grade: '',
    endedAt: '',
    remark: `alive: ${d.evidence.conclusion}`,
  }),
  VerificationDeferred: (d) => ({
    state: 'acknowledged',
    grade: 'B',
    ...(d.until === undefined ? { endedAt: d.attempt.endedAt, remark: 'the probe gave no answer' } : {}),
  }),
  RevocationDeferred: (d) => ({ state: 'deferred', grade: '', remark: `${d.class}: ${d.evidence.conclusion}` }),
  RevocationParked: (d) => ({ state: 'parked', grade: '', remark: `${d.class}: ${d.reason}` }),
  RevocationRetried: (d) => ({
    state: 'due',
    grade: '',
    endedAt: '',
    remark: `retry asked for by ${d.by}: ${d.reason}`,
  }),
  RevocationWaived: (d, m) => ({
    state: 'waived',
    grade: 'W',
    endedAt: m.at,
    remark: `waived by ${d.by}: ${d.reason}`,
  }),
  RevocationExpired: (d) => ({
    state: 'expired',
    grade: 'C',
    endedAt: d.expiredAt,
    remark: 'its own lifetime was over',
  }),
};

// --- the report, the same when the bundle is made and when it is verified

/** @typedef {{ tenant: string, createdAt: string, scope: Scope, tree: { size: number, root: string }, names: Record<string, string> }} ReportContext */

const SLA_HOURS = [4, 24];
const COLUMNS = [
  ...['cascade', 'subject type', 'subject', 'name', 'cause', 'T0 received', 'T1 denied', 'verdict', 'policy'],
  ...['target', 'provider', 'kind', 'holding', 'state', 'grade', 'attempts', 'T2 first attempt', 'T3 acknowledged'],
  ...['T4 verified', 'ended', 'ms T0 to T1', 'ms T0 to end', ...SLA_HOURS.map((h) => `within ${h} h`), 'remark'],
];

/** `met` and `missed` are final; `running` means not over and still within. @param {number} hours @param {string} t0 @param {string} endedAt @param {string} now */
const slaOf = (hours, t0, endedAt, now) => {
  const isWithin = Date.parse(endedAt || now) - Date.parse(t0) <= hours * 3_600_000;
  if (!isWithin) return 'missed';
  return endedAt === '' ? 'running' : 'met';
};

/** One row per target; one for a cascade without targets and for a deny without a cascade. @param {Account} account @param {ReportContext} context */
export function reportRows(account, { createdAt, names }) {
  /** @type {Record<string, string>[]} */
  const rows = [];
  /** @type {(cells: unknown[]) => void} */
  const push = (cells) =>
    void rows.push(Object.fromEntries(COLUMNS.map((column, i) => [column, String(cells[i] ?? '')])));
  for (const { id, subject, cause, verdict, policy, remark, targets } of account.cascades.values()) {
    const { receivedAt: t0, deniedAt: t1 } = cause;
    const head = [id, subject.type, subject.id, names[subject.id], cause.eventType, t0, t1, verdict, policy];
    const denied = Date.parse(t1) - Date.parse(t0);
    if (targets.size === 0) push([...head, ...Array(11).fill(''), denied, '', '', '', remark]);
    for (const t of targets.values()) {
      const { providerId, kind, holdingId } = t.plan;
      const target = [t.id, providerId, kind, holdingId, t.state, t.grade, t.attempts, t.t2, t.t3, t.t4, t.endedAt];
      const took = t.endedAt === '' ? '' : Date.parse(t.endedAt) - Date.parse(t0);
      const slas = SLA_HOURS.map((hours) => slaOf(hours, t0, t.endedAt, createdAt));
      push([...head, ...target, denied, took, ...slas, t.remark]);
    }
  }
  for (const eventId of account.open().denies) {
    const { type, id, t0, t1 } = /** @type {{ type: string, id: string, t0: string, t1: string }} */ (
      account.denies.get(eventId)
    );
    const subject = DENIES.get(type)?.replace('Id', '');
    const head = ['', subject, id, names[id], type, t0, t1, 'not-yet-planned', ''];
    push([...head, ...Array(11).fill(''), Date.parse(t1) - Date.parse(t0), '', '', '', 'denied; no cascade yet']);
  }
  return rows;
}

/** RFC 4180, every cell quoted; a leading character that a spreadsheet would run as a formula is disarmed. @param {Account} account @param {ReportContext} context */
export function reportCsv(account, context) {
  /** @param {string} cell */
  const quote = (cell) => `"${cell.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const lines = [COLUMNS, ...reportRows(account, context).map((row) => Object.values(row))];
  return lines.map((cells) => `${cells.map(quote).join(',')}\r\n`).join('');
}

/** @param {string} text */
const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** @param {string[]} columns @param {Record<string, string>[]} rows */
const table = (columns, rows) => {
  const head = columns.map((column) => `<th>${column}</th>`).join('');
  const body = rows.map((row) => `<tr>${columns.map((c) => `<td>${escape(row[c] ?? '')}</td>`).join('')}</tr>`);
  return `<table><tr>${head}</tr>\n${body.join('\n')}\n</table>`;
};

/** @param {Account} account @param {ReportContext} context */
export function reportHtml(account, context) {
  const rows = reportRows(account, context);
  /** @param {string} column @param {string} value */
  const count = (column, value) => rows.filter((row) => row[column] === value).length;
  const grades = {
    A: 'verified dead',
    B: 'acknowledged by the provider',
    C: 'expired by its own lifetime',
    W: 'waived by a person',
  };
  const summary = [
    ...Object.entries(grades).map(([grade, meaning]) => [`Grade ${grade}: ${meaning}`, count('grade', grade)]),
    ['Not ended', rows.filter((row) => row['target'] !== '' && row['ended'] === '').length],
    ...SLA_HOURS.map((h) => [`Not within ${h} h`, count(`within ${h} h`, 'missed')]),
    ['Cascades', account.cascades.size],
    ['Denied while nothing was held', count('verdict', 'nothing-held')],
    ['Denied and not yet planned', count('verdict', 'not-yet-planned')],
  ].map(([what, n]) => ({ what: String(what), number: String(n) }));
  const exceptions = rows.filter(
    (r) => r['grade'] === 'W' || r['ended'] === '' || SLA_HOURS.some((h) => r[`within ${h} h`] === 'missed'),
  );
  const period = Object.values(context.scope).join(' ');
  const style =
    'body{font:14px/1.4 system-ui;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #999;padding:2px 6px;text-align:left}';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Deprovisioning evidence: ${escape(context.tenant)}</title><style>${style}</style></head><body>
<h1>Deprovisioning evidence: ${escape(context.tenant)}</h1>
<p>Scope: ${escape(period)}. Made at ${escape(context.createdAt)} from a log of ${context.tree.size} events, root ${escape(context.tree.root)}.</p>
<p>This page is worth what <code>node verify.mjs bundle.zip --vkey "..."</code> says, with a key from your own records. Grade B is an
acknowledgement, not a proof. Names, where given, are those of the directory at the time of the export.</p>
<h2>Summary</h2>
${table(['what', 'number'], summary)}
<h2>Exceptions: waived, not ended, or late</h2>
${table(COLUMNS, exceptions)}
<h2>All</h2>
${table(COLUMNS, rows)}
</body></html>
`;
}

// --- the checks, in the order in which each relies on the ones before

/** @param {Buffer} ndjson @returns {Generator<Buffer>} */
function* linesOf(ndjson) {
  for (let start = 0; start < ndjson.length;) {
    const end = ndjson.indexOf(10, start);
    if (end < 0) fail('events.ndjson, proofs.ndjson: the last line is cut off');
    yield ndjson.subarray(start, end);
    start = end + 1;
  }
}

/** @param {Map<string, Buffer>} files @param {string} name */
const fileOf = (files, name) => files.get(name) ?? fail(`${name} is missing`);

/** What a bundle consists of: any other file would pass unread. */
const FILES =
  /^(events\.ndjson|proofs\.ndjson|leaves\.bin|checkpoint|pinned\/\d+\.(checkpoint|consistency)|names\.json|report\.(csv|html)|keys\/log\.vkey|verify\.mjs)$/;

/** The manifest is the one that was signed, and every file is the one it lists. @param {Map<string, Buffer>} files @param {VerifierKey} vkey */
function checkManifest(files, vkey) {
  const bytes = fileOf(files, 'manifest.json');
  const signed = openNote(fileOf(files, 'manifest.note').toString('utf8'), vkey, 'manifest.note');
  if (signed !== `${FORMAT}\n${sha256(bytes).toString('hex')}\n`)
    fail('manifest.json: not the manifest that was signed');
  const manifest = JSON.parse(bytes.toString('utf8'));
  if (manifest.format !== FORMAT) fail(`manifest.json: format ${manifest.format}, this verifier knows ${FORMAT}`);
  for (const [name, hash] of Object.entries(manifest.files)) {
    if (!FILES.test(name)) fail(`${name}: no such file belongs to a bundle`);
    if (sha256(fileOf(files, name)).toString('hex') !== hash)
      fail(`${name}: its bytes are not those the manifest lists`);
  }
  for (const name of files.keys()) {
    if (!Object.hasOwn(manifest.files, name) && name !== 'manifest.json' && name !== 'manifest.note')
      fail(`${name} is not listed`);
  }
  if (!isCount(manifest.tree.size) || !isCount(manifest.events.count)) fail('manifest.json: a size is no whole number');
  checkScope(manifest.scope);
  return manifest;
}

const SCOPES = new Map([
  ['cascade', 'type cascadeId'],
  ['user', 'type userId'],
  ['population', 'type from to'],
]);

/** The report prints a scope as it stands: nothing but what is checked may be in it. @param {Scope} scope */
function checkScope(scope) {
  const isKnown = Object.keys(scope).join(' ') === SCOPES.get(scope.type);
  if (!isKnown || !Object.values(scope).every((value) => typeof value === 'string'))
    fail(`manifest.json: this verifier knows no scope ${JSON.stringify(scope)}`);
  if (scope.type !== 'population') return;
  const where = 'manifest.json: the period';
  if (ms(scope.from, where) >= ms(scope.to, where)) fail(`${where} ends before it begins`);
}

/** @param {Map<string, Buffer>} files @param {VerifierKey} vkey @param {any} manifest */
function checkCheckpoint(files, vkey, manifest) {
  const checkpoint = openCheckpoint(fileOf(files, 'checkpoint').toString('utf8'), vkey, 'checkpoint');
  const expected = [manifest.origin, manifest.tree.size, manifest.tree.root].join(' ');
  const found = [checkpoint.origin, checkpoint.size, checkpoint.root.toString('base64')].join(' ');
  if (expected !== found || !manifest.origin.endsWith(`/${manifest.tenant}`))
    fail('checkpoint: is not that of the manifest');
  return checkpoint;
}

/** @param {Map<string, Buffer>} files @param {VerifierKey} vkey @param {Checkpoint} current @param {string} note @param {string} what */
function checkPinned(files, vkey, current, note, what) {
  const old = openCheckpoint(note, vkey, what);
  if (old.size > current.size)
    fail(`${what}: ${old.size} events, but the bundle ends at ${current.size}: its tail was cut, or it is older`);
  const leaves = files.get('leaves.bin');
  const proof = files.get(`pinned/${old.size}.consistency`)?.toString('utf8').split('\n').filter(Boolean);
  if (leaves === undefined && proof === undefined && old.size !== current.size) {
    fail(`${what}: the bundle has no consistency proof from size ${old.size}: ask for one with this size pinned`);
  }
  const hashes = proof?.map((line) => Buffer.from(line, 'base64')) ?? [];
  const roots = leaves
    ? [rootOfLeaves(leaves, old.size), rootOfLeaves(leaves, current.size)]
    : old.size === 0
      ? [sha256(), current.root]
      : rootsFromProof(old.size, current.size, hashes, old.root);
  if (!roots?.[0]?.equals(old.root) || !roots[1]?.equals(current.root)) {
    fail(`${what}: the history of the bundle is not the one signed at ${old.size} events: it was rewritten`);
  }
}

/** @typedef {{ index: number, bytes: Buffer }} Leaf */

/** A population is the whole log; everything else is chosen from it. @param {Map<string, Buffer>} files @param {any} manifest @param {Checkpoint} checkpoint @returns {Leaf[]} */
function checkInclusion(files, manifest, checkpoint) {
  const lines = [...linesOf(fileOf(files, 'events.ndjson'))];
  if (lines.length !== manifest.events.count)
    fail(`events.ndjson: ${lines.length} events, the manifest says ${manifest.events.count}`);
  return manifest.scope.type === 'population'
    ? checkWhole(fileOf(files, 'leaves.bin'), lines, checkpoint)
    : checkChosen(fileOf(files, 'proofs.ndjson'), lines, checkpoint);
}

/** @param {Buffer} leaves @param {Buffer[]} lines @param {Checkpoint} checkpoint @returns {Leaf[]} */
function checkWhole(leaves, lines, { size, root }) {
  if (leaves.length !== size * 32) fail(`leaves.bin: not ${size} leaf hashes`);
  if (!rootOfLeaves(leaves, size).equals(root)) fail('leaves.bin: its root is not that of the checkpoint');
  if (lines.length !== size)
    fail(`events.ndjson: ${lines.length} events, the log has ${size}: a population must hold all of them`);
  return lines.map((bytes, index) => {
    if (!leafHash(bytes).equals(leaves.subarray(index * 32, index * 32 + 32)))
      fail(`event ${index}: is not leaf ${index} of the log`);
    return { index, bytes };
  });
}

/** @param {Buffer} ndjson @param {Buffer[]} lines @param {Checkpoint} checkpoint @returns {Leaf[]} */
function checkChosen(ndjson, lines, { size, root }) {
  const proofs = [...linesOf(ndjson)].map((line) => JSON.parse(line.toString('utf8')));
  if (proofs.length !== lines.length) fail(`proofs.ndjson: ${proofs.length} proofs for ${lines.length} events`);
  return lines.map((bytes, i) => {
    const { index, path } = proofs[i];
    if (!isCount(index)) fail(`event ${JSON.stringify(index)}: is not a place in the log`);
    if (i > 0 && index <= proofs[i - 1].index) fail(`event ${index}: is out of order`);
    if (index >= size) fail(`event ${index}: the log had only ${size}`);
    const hashes = path.map((/** @type {string} */ hash) => Buffer.from(hash, 'base64'));
    if (!rootFromPath(leafHash(bytes), index, size, hashes)?.equals(root))
      fail(`event ${index}: is not in the log at this place, or was altered`);
    return { index, bytes };
  });
}

/** Each stream without a gap from its start; quoted streams (groups, connections) are shown in part. @param {any} manifest @param {Leaf[]} leaves */
function* checkStreams(manifest, leaves) {
  const quoted = new Set(manifest.quoted);
  /** @type {Map<string, number>} */
  const revisions = new Map();
  for (const { index, bytes } of leaves) {
    /** @type {StoredEvent} */
    const event = JSON.parse(bytes.toString('utf8'));
    const { stream, revision, metadata } = event;
    const where = `event ${index} (${event.type}, ${stream} revision ${revision})`;
    if (metadata.tenant !== manifest.tenant) fail(`${where}: belongs to another tenant`);
    if (quoted.has(stream) && !/^(group|connection|provider|tenant|username)-/.test(stream))
      fail(`${where}: such a stream is never quoted in part`);
    const next = (revisions.get(stream) ?? -1) + 1;
    if (revision !== next && !quoted.has(stream)) fail(`${where}: revision ${next} is missing`);
    revisions.set(stream, revision);
    checkOrder(metadata.at, manifest.createdAt, where);
    yield { event, where };
  }
}

/** @param {any} manifest @param {Leaf[]} leaves */
function checkEvents(manifest, leaves) {
  const { scope } = manifest;
  const account = new Account(scope);
  let [latest, backwards] = [0, 0];
  for (const { event, where } of checkStreams(manifest, leaves)) {
    account.add(event, where);
    const at = ms(event.metadata.at, where);
    backwards = Math.max(backwards, latest - at);
    latest = Math.max(latest, at);
  }
  if (scope.type === 'cascade' && !account.cascades.has(scope.cascadeId))
    fail(`cascade ${scope.cascadeId} is not in the bundle`);
  if (scope.type === 'user' && !leaves.some(({ bytes }) => bytes.includes(JSON.stringify(scope.userId))))
    fail(`user ${scope.userId}: no event of the bundle names them`);
  return { account, backwards };
}

/** @param {Map<string, Buffer>} files @param {any} manifest @param {Account} account */
function checkReport(files, manifest, account) {
  const [open, listed] = [account.open(), manifest.open];
  for (const id of open.cascades)
    if (!listed.cascades.includes(id)) fail(`cascade ${id}: is not closed and not listed as open`);
  for (const id of open.denies)
    if (!listed.denies.includes(id)) fail(`deny ${id}: has no cascade and is not listed as open`);
  const names = files.has('names.json') ? JSON.parse(fileOf(files, 'names.json').toString('utf8')) : {};
  const context = { ...manifest, names };
  if (reportCsv(account, context) !== fileOf(files, 'report.csv').toString('utf8'))
    fail('report.csv: is not what the events say');
  if (reportHtml(account, context) !== fileOf(files, 'report.html').toString('utf8'))
    fail('report.html: is not what the events say');
  return { open, rows: reportRows(account, context) };
}

/** What a bundle of this scope shows, and what it cannot. @param {Scope} scope @param {number} backwards ms */
const reachOf = (scope, backwards) =>
  scope.type === 'population'
    ? `all events of the log; the period is by its own times, which run backwards by at most ${backwards / 1000} s`
    : 'no revision is missing up to the last one shown; later ones are not excluded: a population does that';

/**
 * @param {Buffer | Map<string, Buffer>} bundle the zip, or its files by name
 * @param {{ vkey: string, pinned?: string[], log?: (line: string) => void }} options
 * `pinned` are checkpoint notes that the auditor kept. @throws {EvidenceFailure}
 */
export function verifyBundle(bundle, { vkey, pinned = [], log = () => {} }) {
  const key = parseVkey(vkey);
  const files = bundle instanceof Map ? bundle : readZip(bundle);
  const manifest = checkManifest(files, key);
  const { tenant, scope } = manifest;
  log(`ok  manifest: ${Object.keys(manifest.files).length} files, signed, ${scope.type} of ${tenant}`);
  const checkpoint = checkCheckpoint(files, key, manifest);
  log(`ok  checkpoint: ${checkpoint.origin}, ${checkpoint.size} events, root ${checkpoint.root.toString('base64')}`);
  const inside = [...files].filter(([name]) => /^pinned\/\d+\.checkpoint$/.test(name));
  for (const [name, note] of inside) checkPinned(files, key, checkpoint, note.toString('utf8'), name);
  pinned.forEach((note, i) => checkPinned(files, key, checkpoint, note, `your checkpoint ${i + 1}`));
  log(`ok  history: consistent with ${inside.length} earlier checkpoints of the bundle and ${pinned.length} of yours`);
  const leaves = checkInclusion(files, manifest, checkpoint);
  log(`ok  inclusion: ${leaves.length} events are in the log, unaltered, at their places`);
  const { account, backwards } = checkEvents(manifest, leaves);
  log(`ok  streams: ${reachOf(scope, backwards)}`);
  const { open, rows } = checkReport(files, manifest, account);
  log(
    `ok  cascades: ${account.cascades.size}, of which ${open.cascades.length} listed as open; ${open.denies.length} denies not yet planned`,
  );
  log(`ok  report: recomputed from ${rows.length} rows of raw times, identical`);
  return { manifest, checkpoint, account, rows };
}

/** @param {string[]} args */
function main(args) {
  const [vkeys, pinned, paths] = [
    /** @type {string[]} */ ([]),
    /** @type {string[]} */ ([]),
    /** @type {string[]} */ ([]),
  ];
  for (let i = 0; i < args.length; i += 1) {
    const list = { '--vkey': vkeys, '--pinned': pinned }[args[i] ?? ''];
    (list ?? paths).push(String(list ? args[++i] : args[i]));
  }
  const [path, vkey] = [paths[0], vkeys[0]];
  if (path === undefined || vkey === undefined || paths.length > 1 || path.startsWith('-')) {
    console.error('usage: node verify.mjs bundle.zip --vkey "<name+hash+key>" [--pinned <checkpoint file>]...');
    console.error(
      'The key must be the one you keep yourself; keys/log.vkey in the bundle proves nothing about its maker.',
    );
    return 2;
  }
  try {
    const notes = pinned.map((file) => readFileSync(file, 'utf8'));
    const bundle = statSync(path).isDirectory() ? readFolder(path) : readFileSync(path);
    const { checkpoint } = verifyBundle(bundle, { vkey, pinned: notes, log: console.log });
    console.log(`VERIFIED against ${checkpoint.origin} at ${checkpoint.size} events`);
    return 0;
  } catch (error) {
    console.log(`FAILED ${error instanceof Error ? error.message : String(error)}`);
    return 4;
  }
}

/** Run by name, through a link, or from standard input: whatever is started must answer. */
function isMain() {
  if (import.meta.main !== undefined) return import.meta.main;
  if (/\[eval\d+\]$/.test(import.meta.url)) return true;
  const [, script] = process.argv;
  return script !== undefined && realpathSync(script) === realpathSync(fileURLToPath(import.meta.url));
}

if (isMain()) {
  process.exitCode = main(process.argv.slice(2));
}
