import { beforeAll, describe, expect, it } from '@jest/globals';
import { crc32, deflateRawSync } from 'node:zlib';
import { Operator, unzip, verdictOf, zipOf, type Files } from './bundle.fixture.js';
import { Offboarding } from './offboarding.fixture.js';
import { RecordedLog } from './recorded-log.fixture.js';

// What somebody without the signing key can do: pack the files of a genuine bundle so that others are unpacked from it.

let vkey: string;
let good: Files;
let evil: Files;

beforeAll(async () => {
  const log = new RecordedLog();
  new Offboarding(log).tell();
  const operator = await Operator.of(log);
  vkey = operator.vkey;
  good = unzip(await operator.bundle({ type: 'cascade', cascadeId: 'k1' }));
  await operator.db.destroy();
  evil = new Map(good).set('report.html', Buffer.from('everybody was revoked within a second'));
});

interface Packed {
  name?: string;
  localName?: string;
  flags?: number;
  method?: number;
  data?: Buffer;
  crc?: number;
  size?: number;
  extra?: Buffer;
  comment?: string;
}
type Change = (name: string, bytes: Buffer) => Packed;

/** The two halves of a zip: files that stand from byte `at` on, and a directory of them. */
function pack(files: Iterable<[string, Buffer]>, at = 0, change: Change = () => ({})) {
  const [locals, directory]: [Buffer[], Buffer[]] = [[], []];
  for (const [given, bytes] of files) {
    const packed = change(given, bytes);
    const { name = given, localName = name, flags = 0x0800, method = 0, data = bytes, size = bytes.length } = packed;
    const { crc = crc32(bytes), extra = Buffer.alloc(0), comment = '' } = packed;
    const common = (nameLength: number, extraLength: number) => {
      const fields = Buffer.alloc(26);
      [20, flags, method, 0, 0].forEach((value, i) => fields.writeUInt16LE(value, 2 * i));
      [crc, data.length, size].forEach((value, i) => fields.writeUInt32LE(value, 10 + 4 * i));
      [nameLength, extraLength].forEach((value, i) => fields.writeUInt16LE(value, 22 + 2 * i));
      return fields;
    };
    const rest = Buffer.alloc(14);
    rest.writeUInt16LE(comment.length, 0);
    rest.writeUInt32LE(at, 10);
    const head = [Buffer.from('504b01021400', 'hex'), common(name.length, extra.length), rest, Buffer.from(name)];
    directory.push(...head, extra, Buffer.from(comment));
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), common(localName.length, 0), Buffer.from(localName)]);
    locals.push(local, data);
    at += local.length + data.length;
  }
  return { files: Buffer.concat(locals), directory: Buffer.concat(directory) };
}

function endRecord(count: number, size: number, offset: number, comment = ''): Buffer {
  const record = Buffer.alloc(22);
  record.write('504b0506', 'hex');
  [count, count].forEach((value, i) => record.writeUInt16LE(value, 8 + 2 * i));
  [size, offset].forEach((value, i) => record.writeUInt32LE(value, 12 + 4 * i));
  record.writeUInt16LE(comment.length, 20);
  return Buffer.concat([record, Buffer.from(comment)]);
}

function zip(files: Iterable<[string, Buffer]>, change?: Change): Buffer {
  const all = [...files];
  const packed = pack(all, 0, change);
  const end = endRecord(all.length, packed.directory.length, packed.files.length);
  return Buffer.concat([packed.files, packed.directory, end]);
}

const verdict = (bundle: Buffer) => verdictOf(bundle, vkey);
/** Changes how the report is packed, and nothing else. */
const report =
  (packed: (bytes: Buffer) => Packed): Change =>
  (name, bytes) =>
    name === 'report.html' ? packed(bytes) : {};

it('verifies however it was packed, when all programs read it alike', async () => {
  expect(verdict(zip(good))).toBe('verified');
  expect(verdict(await zipOf(good))).toBe('verified');
  expect(verdict(zip(good, (_, bytes) => ({ method: 8, data: deflateRawSync(bytes) })))).toBe('verified');
  expect(verdict(zip(evil))).toBe('report.html: its bytes are not those the manifest lists');
});

describe('a second bundle in the zip', () => {
  it('fails: with a directory of its own, which others find by its size', () => {
    const first = pack(good);
    const second = pack(evil, first.files.length + first.directory.length);
    const end = endRecord(good.size, second.directory.length, first.files.length);
    const parts = [first.files, first.directory, second.files, second.directory, end];
    expect(verdict(Buffer.concat(parts))).toBe('zip: its directory is not where its end record says');
  });

  it('fails: with entries beyond the number of them', () => {
    const first = pack(good);
    const second = pack([['report.html', evil.get('report.html') as Buffer]], first.files.length);
    const directory = Buffer.concat([first.directory, second.directory]);
    const offset = first.files.length + second.files.length;
    const end = endRecord(good.size, directory.length, offset);
    expect(verdict(Buffer.concat([first.files, second.files, directory, end]))).toBe(
      `zip: its directory has ${good.size + 1} entries, its end record says ${good.size}`,
    );
  });

  it.each(['before', 'between', 'after'])(
    'fails: %s the files that are listed, for who reads without a directory',
    (place) => {
      const hidden = pack([['report.html', evil.get('report.html') as Buffer]]).files;
      const [head, tail] = [[...good].slice(0, 3), [...good].slice(3)];
      const first = pack(head, place === 'before' ? hidden.length : 0);
      const shift = place === 'after' ? 0 : hidden.length;
      const second = pack(tail, first.files.length + shift);
      const parts = { before: [hidden, first.files, second.files], between: [first.files, hidden, second.files] };
      const files = Buffer.concat(
        place === 'after' ? [first.files, second.files, hidden] : parts[place as 'before' | 'between'],
      );
      const directory = Buffer.concat([first.directory, second.directory]);
      const end = endRecord(good.size, directory.length, files.length);
      expect(verdict(Buffer.concat([files, directory, end]))).toMatch(
        /^zip: (at byte \d+ is not .* as the directory has it|the bytes from \d+ to \d+ belong to no file)$/,
      );
    },
  );

  it('fails: inside the packed bytes of a file, behind its end', () => {
    const hidden = pack([['report.html', evil.get('report.html') as Buffer]]).files;
    const packed = report((bytes) => ({ method: 8, data: Buffer.concat([deflateRawSync(bytes), hidden]) }));
    expect(verdict(zip(good, packed))).toBe('zip: report.html does not unpack to what the directory says');
  });

  it('fails: behind the end, or in the comment of the end', () => {
    expect(verdict(Buffer.concat([zip(good), zip(evil)]))).toContain('zip: its directory is not where');
    const { files, directory } = pack(good);
    const end = endRecord(good.size, directory.length, files.length, String(endRecord(0, 0, 0)));
    expect(verdict(Buffer.concat([files, directory, end]))).not.toBe('verified');
    expect(verdict(Buffer.concat([zip(good), Buffer.from('\n')]))).toBe('the bundle is not a complete zip file');
  });
});

describe('a file', () => {
  it.each<[string, (bytes: Buffer) => Packed, string]>([
    [
      'has another name in front of it',
      () => ({ localName: 'report.htm' }),
      'is not report.html as the directory has it',
    ],
    [
      'has another name in an extra field',
      () => ({ extra: Buffer.from('7570050001000000', 'hex') }),
      'read differently',
    ],
    ['has a comment', () => ({ comment: 'x' }), 'read differently'],
    ['is said to be encrypted', () => ({ flags: 0x0801 }), 'read differently'],
    ['is packed in an uncommon way', () => ({ method: 12 }), 'read differently'],
    ['has a checksum of something else', () => ({ crc: 1 }), 'does not unpack to what the directory says'],
    ['is longer than it says', (b) => ({ method: 8, data: deflateRawSync(b), size: 5 }), 'does not unpack to what'],
    ['is shorter than it says', (b) => ({ method: 8, data: deflateRawSync(b), size: 1e6 }), 'does not unpack to what'],
    ['ends in the middle', (b) => ({ method: 8, data: deflateRawSync(b).subarray(0, 50) }), 'does not unpack to what'],
  ])('fails when it %s', (_, packed, reason) => {
    expect(verdict(zip(good, report(packed)))).toContain(reason);
  });

  it('fails when it is there twice', () => {
    expect(verdict(zip([...good, ['report.html', good.get('report.html') as Buffer]]))).toBe(
      'zip: report.html is there twice',
    );
  });

  it.each(['constructor', 'toString', '__proto__', 'extra.txt'])('fails when no manifest lists it: %s', (name) => {
    expect(verdict(zip(new Map(good).set(name, Buffer.from('x'))))).toBe(`${name} is not listed`);
  });

  it.each([0, 19, 40])('fails when the zip breaks off %d bytes before its end', (left) => {
    const whole = zip(good);
    const cut = left === 0 ? Buffer.alloc(0) : whole.subarray(0, whole.length - left);
    expect(verdict(cut)).toBe('the bundle is not a complete zip file');
  });
});

describe('a bundle that would fill the memory', () => {
  const claims =
    (file: string, size: number): Change =>
    (name) =>
      name === file ? { method: 8, size } : {};

  it('fails before anything is unpacked', () => {
    expect(verdict(zip(good, claims('manifest.json', 300e6)))).toBe(
      'manifest.json: 300000000 bytes are too many for it',
    );
    expect(verdict(zip(good, claims('manifest.note', 300e6)))).toContain('are too many for it');
    expect(verdict(zip(good, claims('events.ndjson', 3e9)))).toContain('the bundle unpacks to 30');
  });

  it('is not parsed before its signature was checked', () => {
    const files = new Map(good).set('manifest.json', Buffer.from('['.repeat(1000)));
    expect(verdict(zip(files))).toBe('manifest.json: not the manifest that was signed');
  });
});

it.each([
  ['text behind its signatures', (note: string) => `${note}approved\n`],
  ['a signature without its end of line', (note: string) => note.slice(0, -1)],
  ['lines of another system', (note: string) => note.replaceAll('\n', '\r\n')],
])('fails: a signed note with %s', (_, edit) => {
  const files = new Map(good).set('manifest.note', Buffer.from(edit(String(good.get('manifest.note')))));
  expect(verdict(zip(files))).toBe('manifest.note: not a signed note');
});
