import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { editLines, Operator, unzip, verdictOf, zipOf, type Files, type Manifest } from './bundle.fixture.js';
import { signNote } from './checkpoint.js';
import { Ledger } from './ledger.js';
import { Offboarding, plannedTarget, second } from './offboarding.fixture.js';
import { RecordedLog } from './recorded-log.fixture.js';
import { FORMAT, verifyBundle } from './verifier/verify.mjs';

// Whoever has the signing key can make any report and sign it. The log that an auditor has a checkpoint of must refute it.

const POPULATION = { type: 'population', from: second(0), to: second(9999) } as const;
const SIZE = 23;

let operator: Operator;
let kept: string;

beforeEach(async () => {
  const log = new RecordedLog();
  const story = new Offboarding(log);
  story.tell();
  story.plan('k9', 'eve', story.deactivate('eve', 500), [plannedTarget('t9', { userId: 'eve' })], 501);
  // A clock that went wrong, or was set: its event lies before any period.
  story.provision('zoe', -9999);
  operator = await Operator.of(log);
  kept = (await operator.checkpoints.sign('acme')).note;
});
afterEach(() => operator.db.destroy());

const cascade = async () => unzip(await operator.bundle({ type: 'cascade', cascadeId: 'k1' }));
const user = async () => unzip(await operator.bundle({ type: 'user', userId: 'ada' }));
const population = async () => unzip(await operator.bundle(POPULATION));

/** What a verifier says who kept a checkpoint of the whole log. */
const verdict = (zip: Buffer) => verdictOf(zip, operator.vkey, [kept]);
const forged = async (files: Files, change?: (manifest: Manifest) => void) =>
  verdict(await operator.forge(files, change));

const events = (files: Files): { type: string; stream: string }[] =>
  String(files.get('events.ndjson'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Keeps these events alone, with their proofs. */
function keep(files: Files, isKept: (event: { type: string; stream: string }) => boolean): void {
  const places = events(files).map(isKept);
  for (const name of ['events.ndjson', 'proofs.ndjson']) {
    if (files.has(name)) editLines(files, name, (lines) => lines.filter((_, i) => places[i]));
  }
}

it('leaves an honest bundle as it is', async () => {
  for (const files of [await cascade(), await user(), await population()]) {
    expect(await forged(files)).toBe('verified');
  }
});

describe('a population that hides who left', () => {
  it('behind no event at all', async () => {
    const files = await population();
    files.set('events.ndjson', Buffer.alloc(0));
    const reason = `events.ndjson: 0 events, the log has ${SIZE}: a population must hold all of them`;
    expect(await forged(files, (manifest) => (manifest.events = { count: 0, first: SIZE }))).toBe(reason);
  });

  it('behind an event whose time lies before the period', async () => {
    const files = await population();
    editLines(files, 'events.ndjson', (lines) => lines.slice(-1));
    const reason = `events.ndjson: 1 events, the log has ${SIZE}: a population must hold all of them`;
    expect(await forged(files, (manifest) => (manifest.events = { count: 1, first: SIZE - 1 }))).toBe(reason);
  });

  it('by proofs of chosen events', async () => {
    const files = await population();
    files.delete('leaves.bin');
    const places = Array.from({ length: SIZE }, (_, i) => i);
    const paths = await new Ledger(operator.db).inclusionProofs('acme', places, SIZE);
    const lines = paths.map((path, index) => JSON.stringify({ index, path: path.map((h) => h.toString('base64')) }));
    files.set('proofs.ndjson', Buffer.from(`${lines.join('\n')}\n`));
    keep(files, ({ stream }) => !/user-acme-ada|-k1$|revocation-/.test(stream));
    expect(await forged(files)).toBe('leaves.bin is missing');
  });

  it.each([
    ['that is not the one shown', { type: 'population', shown: `${second(0)} ${second(9999)}`, from: '', to: '' }],
    ['that is shown in another order', { type: 'population', to: second(9999), from: second(0) }],
    ['of values that are no text', { type: 'population', from: [second(0)], to: second(9999) }],
  ])('behind a period %s', async (_, scope) => {
    expect(await forged(await population(), (manifest) => (manifest.scope = scope))).toContain(
      'manifest.json: this verifier knows no scope',
    );
  });

  it.each([
    [{ from: '9999', to: second(9999) }, '"9999" is not a time'],
    [{ from: second(0), to: 'z' }, '"z" is not a time'],
    [{ from: second(5), to: second(5) }, 'ends before it begins'],
  ])('behind a period without time: %j', async (period, reason) => {
    const change = (manifest: Manifest) => (manifest.scope = { type: 'population', ...period });
    expect(await forged(await population(), change)).toContain(reason);
  });

  it('behind a time in a form that sorts after every period', async () => {
    const log = new RecordedLog();
    const at = 'Sun, 01 Mar 2026 09:05:00 GMT';
    log.record('UserDeactivated', { userId: 'eve' }, { stream: 'user-acme-eve', at });
    const liar = await Operator.of(log, operator.key);
    expect(verdictOf(await liar.bundle(POPULATION), operator.vkey)).toContain(`${JSON.stringify(at)} is not a time`);
    await liar.db.destroy();
  });

  it('cannot hide that a time was put back', async () => {
    const lines: string[] = [];
    verifyBundle(await zipOf(await population()), { vkey: operator.vkey, log: (line) => lines.push(line) });
    expect(lines).toContain(
      'ok  streams: all events of the log; the period is by its own times, which run backwards by at most 10500 s',
    );
  });
});

describe('a bundle that is chosen from the log', () => {
  it.each([
    ['as text, which sorts otherwise', (index: number) => String(index), 'event "0": is not a place in the log'],
    ['between two places', (index: number) => index + 0.5, 'event 0.5: is not a place in the log'],
    ['before the first place', (index: number) => index - 1, 'event -1: is not a place in the log'],
  ])('fails: places %s', async (_, placed, reason) => {
    const files = await cascade();
    editLines(files, 'proofs.ndjson', (lines) =>
      lines.map((line) => {
        const proof = JSON.parse(line) as { index: number };
        return JSON.stringify({ ...proof, index: placed(proof.index) });
      }),
    );
    expect(await forged(files)).toBe(reason);
  });

  it.each([
    ['tree', { size: String(SIZE) }],
    ['events', { count: '16' }],
    ['events', { count: 16.5 }],
  ] as const)('fails: a number in %s that is none: %j', async (part, value) => {
    const change = (manifest: Manifest) => (manifest[part] = { ...(manifest[part] as object), ...value });
    expect(await forged(await cascade(), change)).toBe('manifest.json: a size is no whole number');
  });

  it('fails: a stream of a credential declared as quoted in part', async () => {
    const files = await cascade();
    const change = (manifest: Manifest) => (manifest.quoted = ['credential-acme-c-t1']);
    expect(await forged(files, change)).toContain('such a stream is never quoted in part');
  });

  it('fails: one about a person whom no event names', async () => {
    const change = (manifest: Manifest) => (manifest.scope = { type: 'user', userId: 'yan' });
    expect(await forged(await user(), change)).toBe('user yan: no event of the bundle names them');
  });

  it('is not said to show what came after the last event of a stream', async () => {
    const files = await user();
    keep(files, ({ type, stream }) => type !== 'UserDeactivated' && !/-k1$|revocation-/.test(stream));
    const lines: string[] = [];
    const zip = await operator.forge(files);
    verifyBundle(zip, { vkey: operator.vkey, pinned: [kept], log: (line) => lines.push(line) });
    expect(lines).toContain(
      'ok  streams: no revision is missing up to the last one shown; later ones are not excluded: a population does that',
    );
    expect(lines).toContain('ok  cascades: 0, of which 0 listed as open; 0 denies not yet planned');
  });
});

describe('a bundle of any scope', () => {
  it('fails under the key of another tenant, although the same person signs for both', async () => {
    const files = await cascade();
    const name = 'audit.example/globex';
    const vkey = operator.checkpoints.vkey('globex');
    const manifest = JSON.parse(String(files.get('manifest.json'))) as { files: Record<string, string> };
    const checkpoint = String(files.get('checkpoint'));
    const relabelled = Buffer.from(signNote(checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1), name, operator.key));
    manifest.files['checkpoint'] = createHash('sha256').update(relabelled).digest('hex');
    const bytes = Buffer.from(JSON.stringify(manifest));
    const note = `${FORMAT}\n${createHash('sha256').update(bytes).digest('hex')}\n`;
    files.set('checkpoint', relabelled).set('manifest.json', bytes);
    files.set('manifest.note', Buffer.from(signNote(note, name, operator.key)));
    expect(verdictOf(await zipOf(files), vkey)).toBe('checkpoint: is of another log, audit.example/acme');
  });

  it('fails when it claims to be older than its events: what was missed then would be running', async () => {
    const change = (manifest: Manifest) => (manifest.createdAt = second(200));
    expect(await forged(await cascade(), change)).toContain(`${second(200)} lies before ${second(300)}`);
  });

  it.each(['REPORT.html', 'keys/report.html', 'readme.html'])(
    'fails: a file beside those of the format, %s',
    async (name) => {
      const files = (await cascade()).set(name, Buffer.from('everything was revoked'));
      expect(await forged(files)).toBe(`${name}: no such file belongs to a bundle`);
    },
  );
});
