import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DENIES } from '@app/events';
import { Operator, unzip } from './bundle.fixture.js';
import { NothingInScope } from './bundle-scope.js';
import { Offboarding, plannedTarget, second } from './offboarding.fixture.js';
import { RecordedLog } from './recorded-log.fixture.js';
import { DENIES as ANSWERED, verifyBundle } from './verifier/verify.mjs';

let log: RecordedLog;
let story: Offboarding;
let operator: Operator;

beforeEach(async () => {
  log = new RecordedLog();
  story = new Offboarding(log);
  story.tell();
  // Another tenant in between: its events are no part of the tree.
  new Offboarding(log, 'globex').tell();
  operator = await Operator.of(log);
});
afterEach(() => operator.db.destroy());

const ndjson = (zip: Buffer): { type: string; stream: string; metadata: { tenant: string } }[] =>
  String(unzip(zip).get('events.ndjson'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a bundle about one cascade', () => {
  it('verifies, and holds the cause, the plan, every attempt and the registrations of what was held', async () => {
    const zip = await operator.bundle({ type: 'cascade', cascadeId: 'k1' });
    const steps: string[] = [];
    const { rows } = verifyBundle(zip, { vkey: operator.vkey, log: (line) => steps.push(line) });
    expect(steps.map((line) => line.split(':')[0])).toEqual([
      'ok  manifest',
      'ok  checkpoint',
      'ok  history',
      'ok  inclusion',
      'ok  streams',
      'ok  cascades',
      'ok  report',
    ]);
    expect(
      rows.map((row) => [row['target'], row['grade'], row['attempts'], row['within 4 h'], row['ms T0 to end']]),
    ).toEqual([
      ['t1', 'A', '3', 'met', '103000'],
      ['t2', 'B', '1', 'met', '5000'],
      ['t3', 'W', '1', 'met', '201000'],
      ['t4', 'C', '0', 'met', '241000'],
    ]);
    const events = ndjson(zip);
    expect(events.map((e) => e.type)).toContain('RevocationDeferred');
    expect(events.filter((e) => e.type === 'CredentialRegistered')).toHaveLength(4);
    expect(events.some((e) => e.stream === 'user-acme-bob' || e.metadata.tenant !== 'acme')).toBe(false);
  });

  it('holds the bytes of the log, unchanged', async () => {
    const zip = await operator.bundle({ type: 'cascade', cascadeId: 'k1' });
    const lines = String(unzip(zip).get('events.ndjson')).trimEnd().split('\n');
    const stored = new Set(log.events.map((event) => Buffer.from(event.bytes).toString('utf8')));
    expect(lines.every((line) => stored.has(line))).toBe(true);
  });

  it('lists an unfinished cascade as open', async () => {
    story.plan('k3', 'eve', story.deactivate('eve', 500), [plannedTarget('t9', { userId: 'eve' })], 501);
    story.defer('t9', 'k3', 1, 502);
    await operator.catchUp();
    const zip = await operator.bundle({ type: 'cascade', cascadeId: 'k3' });
    const { manifest, rows } = verifyBundle(zip, { vkey: operator.vkey });
    expect(manifest.open).toEqual({ cascades: ['k3'], denies: [] });
    expect(rows[0]).toMatchObject({
      state: 'deferred',
      ended: '',
      'within 4 h': 'running',
      remark: expect.stringContaining('provider-error'),
    });
  });

  it('counts a target as late when the promise is broken, whether it ended or not', async () => {
    story.plan(
      'k3',
      'eve',
      story.deactivate('eve', 500),
      [plannedTarget('t8', { userId: 'eve' }), plannedTarget('t9', { userId: 'eve' })],
      501,
    );
    story.acknowledge('t8', 'k3', 1, 500 + 5 * 3600);
    await operator.catchUp();
    operator.clock.advance(6 * 3_600_000);
    const { rows } = verifyBundle(await operator.bundle({ type: 'cascade', cascadeId: 'k3' }), { vkey: operator.vkey });
    expect(rows.map((row) => [row['within 4 h'], row['within 24 h']])).toEqual([
      ['missed', 'met'],
      ['missed', 'running'],
    ]);
  });

  it('quotes the one group change that caused it instead of the whole group', async () => {
    const stream = 'group-acme-g1';
    log.record('GroupCreated', { groupId: 'g1', displayName: 'Engineering', resource: {} }, { stream });
    const removed = [{ id: 'eve', type: 'User' as const }];
    const event = log.record(
      'GroupMembershipChanged',
      { groupId: 'g1', added: [], removed },
      { stream, at: second(500) },
    );
    const cause = {
      eventId: event.id,
      eventType: event.type,
      stream,
      revision: 1,
      receivedAt: second(500),
      deniedAt: second(500),
    };
    story.plan('k3', 'eve', cause, [plannedTarget('t9', { userId: 'eve' })], 501);
    await operator.catchUp();
    const zip = await operator.bundle({ type: 'cascade', cascadeId: 'k3' });
    expect(verifyBundle(zip, { vkey: operator.vkey }).manifest.quoted).toEqual([stream]);
    expect(
      ndjson(zip)
        .filter((e) => e.stream === stream)
        .map((e) => e.type),
    ).toEqual(['GroupMembershipChanged']);
    const user = await operator.bundle({ type: 'user', userId: 'eve' });
    expect(verifyBundle(user, { vkey: operator.vkey }).rows).toHaveLength(1);
  });

  it('is not made about something the ledger has never seen', async () => {
    await expect(operator.bundle({ type: 'cascade', cascadeId: 'nope' })).rejects.toThrow(NothingInScope);
    await expect(operator.bundle({ type: 'user', userId: 'nobody' })).rejects.toThrow(NothingInScope);
  });
});

describe('a bundle about one person', () => {
  it('verifies, and shows that nothing was held as a row of its own', async () => {
    const { rows } = verifyBundle(await operator.bundle({ type: 'user', userId: 'bob' }), { vkey: operator.vkey });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      subject: 'bob',
      verdict: 'nothing-held',
      'ms T0 to T1': '1000',
      remark: 'nothing was held as of log position 10',
    });
  });

  it('carries names only where they are asked for', async () => {
    const scope = { type: 'user', userId: 'ada' } as const;
    const named = await operator.bundle(scope, { resolveNames: async () => (id) => (id === 'ada' ? '=Ada "L"' : id) });
    expect(verifyBundle(named, { vkey: operator.vkey }).rows[0]?.['name']).toBe('=Ada "L"');
    expect(String(unzip(named).get('report.csv'))).toContain(`"'=Ada ""L"""`);
    expect(String(unzip(named).get('report.html'))).toContain('=Ada &#34;L&#34;');
    expect([...unzip(await operator.bundle(scope)).keys()]).not.toContain('names.json');
  });

  it('lists a deny that has no cascade yet', async () => {
    const cause = story.deactivate('eve', 500);
    await operator.catchUp();
    const { manifest, rows } = verifyBundle(await operator.bundle({ type: 'user', userId: 'eve' }), {
      vkey: operator.vkey,
    });
    expect(manifest.open.denies).toEqual([cause.eventId]);
    expect(rows[0]).toMatchObject({ subject: 'eve', verdict: 'not-yet-planned' });
  });
});

describe('a bundle about a population', () => {
  it('holds every event of the log and every leaf hash, and reports the denies of the period only', async () => {
    const all = await operator.bundle({ type: 'population', from: second(0), to: second(9999) });
    const { account, manifest } = verifyBundle(all, { vkey: operator.vkey });
    expect([...account.cascades.keys()]).toEqual(['k1', 'k2']);
    expect(manifest.events).toEqual({ count: manifest.tree.size });
    const late = await operator.bundle({ type: 'population', from: second(140), to: second(9999) });
    const verified = verifyBundle(late, { vkey: operator.vkey });
    expect([...verified.account.cascades.keys()]).toEqual(['k2']);
    expect(verified.manifest.events).toEqual(manifest.events);
    const early = await operator.bundle({ type: 'population', from: second(0), to: second(140) });
    expect([...verifyBundle(early, { vkey: operator.vkey }).account.cascades.keys()]).toEqual(['k1']);
  });

  it('lists an application whose loss has no cascade yet', async () => {
    const circumstances = { stream: 'application-acme-billing', tenant: story.tenant, at: second(500) };
    const { id } = story.log.record('ApplicationDeactivated', { applicationId: 'billing' }, circumstances);
    await operator.catchUp();
    const bundle = await operator.bundle({ type: 'population', from: second(450), to: second(9999) });
    const { manifest, rows } = verifyBundle(bundle, { vkey: operator.vkey });
    expect(manifest.open.denies).toEqual([id]);
    expect(rows.at(-1)).toMatchObject({
      'subject type': 'application',
      subject: 'billing',
      verdict: 'not-yet-planned',
    });
  });

  it('verifies for a period in which nothing happened', async () => {
    const zip = await operator.bundle({ type: 'population', from: second(99_999), to: second(199_999) });
    expect(verifyBundle(zip, { vkey: operator.vkey }).rows).toEqual([]);
  });
});

describe('the verifier that a bundle carries', () => {
  it('asks an answer of the same denies as the service', () => {
    expect(new Set(ANSWERED.keys())).toEqual(DENIES);
  });

  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'evidence-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' });

  it('answers however it is started', async () => {
    const zip = await operator.bundle({ type: 'cascade', cascadeId: 'k1' });
    const verifier = unzip(zip).get('verify.mjs') as Buffer;
    await writeFile(join(directory, 'verify.mjs'), verifier);
    await writeFile(join(directory, 'bundle.zip'), zip);
    await symlink('verify.mjs', join(directory, 'link.mjs'));
    const args = ['bundle.zip', '--vkey', operator.vkey];
    const piped = { cwd: directory, encoding: 'utf8', input: verifier } as const;
    for (const { status, stdout } of [
      run('link.mjs', ...args),
      run('--preserve-symlinks-main', 'link.mjs', ...args),
      spawnSync(process.execPath, ['--input-type=module', '-', ...args], piped),
    ]) {
      expect([status, stdout.includes('VERIFIED against')]).toEqual([0, true]);
    }
    expect(spawnSync(process.execPath, ['--input-type=module'], piped).status).toBe(2);
  });

  it('runs alone, answers 0 for the bundle and 4 with the place for an altered one', async () => {
    const zip = await operator.bundle({ type: 'cascade', cascadeId: 'k1' });
    const files = unzip(zip);
    await writeFile(join(directory, 'verify.mjs'), files.get('verify.mjs') as Buffer);
    await writeFile(join(directory, 'bundle.zip'), zip);
    const good = run('verify.mjs', 'bundle.zip', '--vkey', operator.vkey);
    expect([good.stderr, good.status]).toEqual(['', 0]);
    expect(good.stdout).toContain('VERIFIED against audit.example/acme at 19 events');
    files.set('events.ndjson', Buffer.from(String(files.get('events.ndjson')).replace('rfc7009@1', 'rfc7009@2')));
    await writeFile(join(directory, 'altered.zip'), await operator.resign(files));
    const altered = run('verify.mjs', 'altered.zip', '--vkey', operator.vkey);
    expect(altered.status).toBe(4);
    expect(altered.stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^FAILED event 9: is not in the log at this place, or was altered$/,
    );
    expect(run('verify.mjs', 'bundle.zip').status).toBe(2);
    expect(run('verify.mjs', 'verify.mjs', '--vkey', operator.vkey).status).toBe(4);
  });

  it('takes the unpacked folder in place of the zip', async () => {
    const files = unzip(await operator.bundle({ type: 'population', from: second(0), to: second(9999) }));
    for (const [name, bytes] of files) {
      await mkdir(dirname(join(directory, 'bundle', name)), { recursive: true });
      await writeFile(join(directory, 'bundle', name), bytes);
    }
    const good = run('bundle/verify.mjs', 'bundle', '--vkey', operator.vkey);
    expect([good.stderr, good.status]).toEqual(['', 0]);
    const answer = () => run('bundle/verify.mjs', 'bundle', '--vkey', operator.vkey);
    await writeFile(join(directory, 'bundle', 'stray.txt'), 'not ours');
    expect(answer()).toMatchObject({ status: 4, stdout: expect.stringContaining('FAILED stray.txt is not listed') });
    await rm(join(directory, 'bundle', 'stray.txt'));
    await symlink('pinned', join(directory, 'bundle', 'more'));
    const reason = 'FAILED more is neither a file nor a folder';
    expect(answer()).toMatchObject({ status: 4, stdout: expect.stringContaining(reason) });
  });

  it('finds a checkpoint that the auditor kept in the history of the bundle', async () => {
    const kept = await operator.checkpoints.sign('acme');
    story.provision('eve', 600);
    await operator.catchUp();
    const zip = await operator.bundle({ type: 'cascade', cascadeId: 'k1' });
    await writeFile(join(directory, 'verify.mjs'), unzip(zip).get('verify.mjs') as Buffer);
    await writeFile(join(directory, 'bundle.zip'), zip);
    await writeFile(join(directory, 'kept'), kept.note);
    const { status, stdout } = run('verify.mjs', 'bundle.zip', '--vkey', operator.vkey, '--pinned', 'kept');
    expect(stdout).toContain('ok  history: consistent with 1 earlier checkpoints of the bundle and 1 of yours');
    expect(status).toBe(0);
  });
});
