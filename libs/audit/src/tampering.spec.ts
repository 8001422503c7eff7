import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { editLines, Operator, unzip, verdictOf, zipOf, type Files } from './bundle.fixture.js';
import { checkpointText, parseCheckpoint, signNote, verifierKey, type Checkpoint } from './checkpoint.js';
import { Offboarding, plannedTarget, second } from './offboarding.fixture.js';
import { RecordedLog } from './recorded-log.fixture.js';
import { verifyBundle } from './verifier/verify.mjs';

const POPULATION = { type: 'population', from: second(0), to: second(9999) } as const;

let operator: Operator;
let cascade: Files;
let population: Files;

beforeEach(async () => {
  const log = new RecordedLog();
  new Offboarding(log).tell();
  operator = await Operator.of(log);
  cascade = unzip(await operator.bundle({ type: 'cascade', cascadeId: 'k1' }));
  population = unzip(await operator.bundle(POPULATION));
});
afterEach(() => operator.db.destroy());

const failureOf = (zip: Buffer, pinned?: string[]) => verdictOf(zip, operator.vkey, pinned);

/** What a verifier says about a bundle that only somebody without the signing key has touched. */
async function withoutKey(files: Files): Promise<string> {
  return failureOf(await zipOf(files));
}

/** What it says when the operator has signed a manifest over the altered files. */
async function withKey(files: Files, change?: (manifest: Record<string, unknown>) => void): Promise<string> {
  return failureOf(await operator.resign(files, change));
}

const indexOf = (lines: string[], ...parts: string[]): number =>
  lines.findIndex((line) => parts.every((part) => line.includes(part)));

/** Removes the same line from events and proofs, so that what is left fits together. */
function drop(files: Files, ...parts: string[]): void {
  const at = indexOf(String(files.get('events.ndjson')).split('\n'), ...parts);
  for (const name of ['events.ndjson', 'proofs.ndjson']) editLines(files, name, (lines) => lines.toSpliced(at, 1));
}

const counting = (delta: number) => (manifest: Record<string, unknown>) => {
  const events = manifest['events'] as { count: number };
  events.count += delta;
};

describe('an untouched bundle', () => {
  it('verifies, also when it is packed and signed again', async () => {
    expect(await withKey(cascade)).toBe('verified');
    expect(await withKey(population)).toBe('verified');
    expect(await withoutKey(cascade)).toBe('verified');
  });
});

describe('an edited byte', () => {
  it.each(['events.ndjson', 'proofs.ndjson', 'checkpoint', 'report.csv', 'report.html', 'keys/log.vkey', 'verify.mjs'])(
    'in %s fails by the name of the file',
    async (name) => {
      const bytes = Buffer.from(cascade.get(name) as Buffer);
      bytes[20] = (bytes[20] as number) ^ 1;
      cascade.set(name, bytes);
      expect(await withoutKey(cascade)).toBe(`${name}: its bytes are not those the manifest lists`);
    },
  );

  it('in the manifest fails by its signature', async () => {
    const text = String(cascade.get('manifest.json')).replace('"cascadeId": "k1"', '"cascadeId": "k2"');
    cascade.set('manifest.json', Buffer.from(text));
    expect(await withoutKey(cascade)).toBe('manifest.json: not the manifest that was signed');
  });

  it('in an event fails at its place in the log, whoever signs', async () => {
    const edit = (lines: string[]) => lines.map((line) => line.replace('carol', 'karol'));
    editLines(cascade, 'events.ndjson', edit);
    expect(await withKey(cascade)).toBe('event 16: is not in the log at this place, or was altered');
    editLines(population, 'events.ndjson', edit);
    expect(await withKey(population)).toBe('event 16: is not leaf 16 of the log');
  });

  it('in a leaf hash fails by the root', async () => {
    const leaves = Buffer.from(population.get('leaves.bin') as Buffer);
    leaves[5] = (leaves[5] as number) ^ 1;
    population.set('leaves.bin', leaves);
    expect(await withKey(population)).toBe('leaves.bin: its root is not that of the checkpoint');
  });

  it('in a report fails although the signature is right', async () => {
    cascade.set('report.csv', Buffer.from(String(cascade.get('report.csv')).replace('"waived"', '"verified"')));
    expect(await withKey(cascade)).toBe('report.csv: is not what the events say');
  });
});

describe('a dropped failed attempt', () => {
  it('fails at the next event of its stream', async () => {
    drop(cascade, 'RevocationDeferred', 'revocation-acme-t1');
    expect(await withKey(cascade, counting(-1))).toBe(
      'event 11 (RevocationAcknowledged, revocation-acme-t1 revision 1): revision 0 is missing',
    );
  });

  it('fails by the number of events when nothing else was adapted', async () => {
    editLines(cascade, 'events.ndjson', (lines) => lines.filter((line) => !line.includes('RevocationDeferred')));
    expect(await withKey(cascade)).toBe('events.ndjson: 15 events, the manifest says 16');
    expect(await withKey(cascade, counting(-1))).toBe('proofs.ndjson: 16 proofs for 15 events');
  });

  it('cannot be dropped from a population at all', async () => {
    editLines(population, 'events.ndjson', (lines) => lines.filter((line) => !line.includes('RevocationDeferred')));
    expect(await withKey(population, counting(-1))).toBe(
      'events.ndjson: 18 events, the log has 19: a population must hold all of them',
    );
  });
});

describe('a truncated tail', () => {
  it('of a target fails at the verdict that counted it', async () => {
    drop(cascade, 'RevocationExpired');
    expect(await withKey(cascade, counting(-1))).toBe(
      'event 18 (CascadeCompleted, cascade-acme-k1 revision 2): says complete, but target t4 has not ended',
    );
  });

  it('of a cascade fails because it is then unfinished and not listed so', async () => {
    drop(cascade, 'CascadeCompleted');
    expect(await withKey(cascade, counting(-1))).toBe('cascade k1: is not closed and not listed as open');
  });

  it('of the log fails against a checkpoint kept outside', async () => {
    const kept = await operator.checkpoints.sign('acme');
    const shorter = new RecordedLog();
    new Offboarding(shorter).tell();
    shorter.events.length -= 2;
    const liar = await Operator.of(shorter, operator.key);
    const zip = await liar.bundle(POPULATION);
    expect(failureOf(zip)).toBe('verified');
    expect(failureOf(zip, [kept.note])).toContain(
      'your checkpoint 1: 19 events, but the bundle ends at 17: its tail was cut',
    );
    await liar.db.destroy();
  });

  it('of the file fails at once', async () => {
    const whole = await operator.resign(cascade);
    expect(failureOf(whole.subarray(0, whole.length - 30))).toBe('the bundle is not a complete zip file');
    cascade.set('events.ndjson', (cascade.get('events.ndjson') as Buffer).subarray(0, -1));
    expect(await withKey(cascade)).toContain('the last line is cut off');
  });
});

describe('a forged time', () => {
  it('in an event fails at its place in the log', async () => {
    editLines(cascade, 'events.ndjson', (lines) => lines.map((line) => line.replace(second(202), second(102))));
    expect(await withKey(cascade)).toBe('event 15: is not in the log at this place, or was altered');
  });

  it('in the statement of the cause fails against the cause itself, even when it was logged so', async () => {
    const log = new RecordedLog();
    const story = new Offboarding(log);
    const cause = { ...story.deactivate('eve', 500), receivedAt: second(498) };
    story.plan('k3', 'eve', cause, [plannedTarget('t9', { userId: 'eve' })], 501);
    const liar = await Operator.of(log, operator.key);
    expect(failureOf(await tolerant(liar))).toMatch(
      /^event 1 \(CascadeStarted.*: states its cause as UserDeactivated .*09:08:18.000Z.*, which was .*09:08:19.000Z/,
    );
    await liar.db.destroy();
  });

  it('that puts an attempt before the deny fails as impossible', async () => {
    const log = new RecordedLog();
    const story = new Offboarding(log);
    story.plan('k3', 'eve', story.deactivate('eve', 500), [plannedTarget('t9', { userId: 'eve' })], 501);
    story.acknowledge('t9', 'k3', 1, 100);
    const liar = await Operator.of(log, operator.key);
    expect(failureOf(await tolerant(liar))).toContain(`${second(100)} lies before ${second(500)}`);
    await liar.db.destroy();
  });

  /** A bundle of a log that contradicts itself, from an operator whose software does not look. */
  async function tolerant(liar: Operator): Promise<Buffer> {
    const { Account } = await import('./verifier/verify.mjs');
    const { add } = Account.prototype;
    Account.prototype.add = () => undefined;
    try {
      return await liar.bundle({ type: 'cascade', cascadeId: 'k3' });
    } finally {
      Account.prototype.add = add;
    }
  }
});

describe('an altered checkpoint', () => {
  const rewrite = (change: (checkpoint: Checkpoint) => Checkpoint): Buffer => {
    const note = String(cascade.get('checkpoint'));
    return Buffer.from(note.replace(/^[^\n]+\n[^\n]+\n[^\n]+\n/, checkpointText(change(parseCheckpoint(note)))));
  };

  it('fails by its signature', async () => {
    cascade.set(
      'checkpoint',
      rewrite((c) => ({ ...c, size: c.size + 1 })),
    );
    expect(await withKey(cascade)).toContain('checkpoint: not signed by audit.example/acme');
  });

  it('signed by the operator fails against the manifest, and then at the first event', async () => {
    const root = Buffer.alloc(32, 7);
    const text = checkpointText({ origin: 'audit.example/acme', size: 19, root });
    cascade.set('checkpoint', Buffer.from(signNote(text, 'audit.example/acme', operator.key)));
    expect(await withKey(cascade)).toBe('checkpoint: is not that of the manifest');
    const change = (manifest: Record<string, unknown>) =>
      (manifest['tree'] = { size: 19, root: root.toString('base64') });
    expect(await withKey(cascade, change)).toBe('event 0: is not in the log at this place, or was altered');
  });
});

describe('a wrong key', () => {
  it('verifies nothing', async () => {
    const stranger = verifierKey('audit.example/acme', generateKeyPairSync('ed25519').privateKey);
    const zip = await zipOf(cascade);
    expect(() => verifyBundle(zip, { vkey: stranger })).toThrow('manifest.note: not signed by audit.example/acme');
    expect(() => verifyBundle(zip, { vkey: verifierKey('audit.example/globex', operator.key) })).toThrow(
      'not signed by audit.example/globex',
    );
    expect(() => verifyBundle(zip, { vkey: 'nonsense' })).toThrow('the verifier key is malformed');
  });
});

describe('reordered events', () => {
  const swap = (lines: string[]): string[] => {
    const at = indexOf(lines, 'RevocationDeferred');
    return at < 0 ? lines : lines.toSpliced(at, 2, lines[at + 1] as string, lines[at] as string);
  };

  it('fail at the first that is not in its place', async () => {
    editLines(cascade, 'events.ndjson', swap);
    expect(await withKey(cascade)).toBe('event 9: is not in the log at this place, or was altered');
    editLines(population, 'events.ndjson', swap);
    expect(await withKey(population)).toMatch(/^event \d+: is not leaf \d+ of the log$/);
  });

  it('fail also when their proofs are reordered with them', async () => {
    editLines(cascade, 'events.ndjson', swap);
    const proofs = String(cascade.get('proofs.ndjson')).split('\n');
    const at = indexOf(proofs, '"index":9,');
    editLines(cascade, 'proofs.ndjson', (lines) =>
      lines.toSpliced(at, 2, lines[at + 1] as string, lines[at] as string),
    );
    expect(await withKey(cascade)).toBe('event 9: is out of order');
  });
});

describe('swapped receipts', () => {
  it('fail: the answer of one provider is bound to its target by the log', async () => {
    editLines(cascade, 'events.ndjson', (lines) => {
      const [a, b] = [indexOf(lines, 'RevocationDeferred'), indexOf(lines, 'RevocationAcknowledged', 'acme-t2')];
      const receipt = /"evidence":\{[^}]*\}/;
      const [one, two] = [lines[a] as string, lines[b] as string];
      const swapped = [
        one.replace(receipt, two.match(receipt)?.[0] as string),
        two.replace(receipt, one.match(receipt)?.[0] as string),
      ];
      expect(swapped[0]).not.toBe(one);
      return lines.with(a, swapped[0] as string).with(b, swapped[1] as string);
    });
    expect(await withKey(cascade)).toBe('event 9: is not in the log at this place, or was altered');
  });

  it('fail as proofs too', async () => {
    editLines(cascade, 'proofs.ndjson', (lines) => {
      const [first, second] = lines.slice(0, 2).map((line) => JSON.parse(line) as { index: number; path: string[] });
      const paths = [
        { ...first, path: second?.path },
        { ...second, path: first?.path },
      ].map((p) => JSON.stringify(p));
      return [...paths, ...lines.slice(2)];
    });
    expect(await withKey(cascade)).toBe('event 0: is not in the log at this place, or was altered');
  });
});

describe('a history rewritten and signed again by the operator', () => {
  let forged: Operator;
  beforeEach(async () => {
    const log = new RecordedLog();
    const story = new Offboarding(log);
    story.provision('ada');
    story.provision('bob');
    story.register('c-t1', { userId: 'ada' });
    // The failed attempt never happened, in this version.
    story.plan('k1', 'ada', story.deactivate('ada', 100), [plannedTarget('t1', { userId: 'ada' })], 101);
    story.acknowledge('t1', 'k1', 1, 102);
    story.complete('k1', { A: 0, B: 1, C: 0, W: 0 }, 103);
    for (let i = 0; i < 30; i += 1) story.provision(`new-${i}`, 200);
    forged = await Operator.of(log, operator.key);
  });
  afterEach(() => forged.db.destroy());

  it('is consistent in itself, and fails against a checkpoint that the auditor kept', async () => {
    const { note } = await operator.checkpoints.sign('acme');
    const zip = await forged.bundle({ type: 'cascade', cascadeId: 'k1' }, { pinnedSizes: [19] });
    expect(failureOf(zip)).toBe('verified');
    const rewritten =
      'your checkpoint 1: the history of the bundle is not the one signed at 19 events: it was rewritten';
    expect(failureOf(zip, [note])).toBe(rewritten);
    expect(failureOf(await forged.bundle(POPULATION), [note])).toBe(rewritten);
  });

  it('fails also when it withholds the proof that it cannot give', async () => {
    const { note } = await operator.checkpoints.sign('acme');
    const zip = await forged.bundle({ type: 'cascade', cascadeId: 'k1' });
    expect(failureOf(zip, [note])).toContain('the bundle has no consistency proof from size 19');
  });

  it('fails against an earlier checkpoint inside the bundle', async () => {
    const { note } = await operator.checkpoints.sign('acme');
    const files = unzip(await forged.bundle({ type: 'cascade', cascadeId: 'k1' }, { pinnedSizes: [19] }));
    files.set('pinned/19.checkpoint', Buffer.from(note));
    expect(await withKey(files)).toContain(
      'pinned/19.checkpoint: the history of the bundle is not the one signed at 19 events',
    );
  });
});

describe('what is smuggled in or left out', () => {
  it('fails: a file that is not listed, and a listed file that is missing', async () => {
    cascade.set('extra.txt', Buffer.from('x'));
    expect(await withoutKey(cascade)).toBe('extra.txt is not listed');
    cascade.delete('extra.txt');
    cascade.delete('report.html');
    expect(await withoutKey(cascade)).toBe('report.html is missing');
  });

  it('fails: a revocation stream declared as quoted in part', async () => {
    drop(cascade, 'RevocationDeferred');
    const quote = (manifest: Record<string, unknown>) => {
      counting(-1)(manifest);
      manifest['quoted'] = ['revocation-acme-t1'];
    };
    expect(await withKey(cascade, quote)).toContain('such a stream is never quoted in part');
  });

  it('fails: a population in which a deny has neither a cascade nor a place in the list of open ones', async () => {
    const log = new RecordedLog();
    const cause = new Offboarding(log).deactivate('eve', 100);
    const liar = await Operator.of(log, operator.key);
    const files = unzip(await liar.bundle(POPULATION));
    expect(await withKey(files)).toBe('verified');
    const hide = (manifest: Record<string, unknown>) => (manifest['open'] = { cascades: [], denies: [] });
    expect(await withKey(files, hide)).toBe(`deny ${cause.eventId}: has no cascade and is not listed as open`);
    await liar.db.destroy();
  });

  it('fails: a verdict that counts better grades than the events show', async () => {
    const log = new RecordedLog();
    const story = new Offboarding(log);
    story.plan('k1', 'eve', story.deactivate('eve', 100), [plannedTarget('t1', { userId: 'eve' })], 101);
    story.acknowledge('t1', 'k1', 1, 102);
    const open = await Operator.of(log, operator.key);
    const honest = unzip(await open.bundle({ type: 'cascade', cascadeId: 'k1' }));
    expect(await withKey(honest)).toBe('verified');
    story.complete('k1', { A: 1, B: 0, C: 0, W: 0 }, 103);
    await open.catchUp();
    await expect(open.bundle({ type: 'cascade', cascadeId: 'k1' })).rejects.toThrow(
      'counts 1 of grade A, the events have 0',
    );
    await open.db.destroy();
  });
});
