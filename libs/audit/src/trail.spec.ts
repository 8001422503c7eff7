import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import { Ledger } from './ledger.js';
import { LedgerView } from './ledger.view.js';
import { Offboarding, second } from './offboarding.fixture.js';
import { follow, openViews, RecordedLog } from './recorded-log.fixture.js';
import { Trail, type TrailQuery } from './trail.js';
import { TrailView } from './trail.view.js';

let db: Kysely<AuditDb>;
let log: RecordedLog;
const views = [new LedgerView(), new TrailView()];

beforeEach(async () => {
  db = await openViews(...views);
  log = new RecordedLog();
});
afterEach(() => db.destroy());

const typesOf = async (query: TrailQuery): Promise<string[]> =>
  (await new Trail(db).trail('acme', query)).lines.map((line) => line.type);

describe('the trail', () => {
  it('tells every event as a sentence with the names that the caller resolves', async () => {
    new Offboarding(log).tell();
    await follow(db, views, log.events);
    const asked: string[] = [];
    const trail = new Trail(db, (tenant, ids) => {
      asked.push(tenant, ...ids);
      return Promise.resolve((id) => (id === 'ada' ? 'Ada Lovelace' : id));
    });
    const { lines } = await trail.trail('acme', { subjects: ['ada'], limit: 10 });
    expect(lines.slice(0, 2).map((line) => line.sentence)).toEqual([
      'Ada Lovelace was provisioned.',
      'oauth_refresh_token c-t1 at google was registered, held by agent agent-7 on behalf of Ada Lovelace.',
    ]);
    expect(lines.find((line) => line.type === 'UserDeactivated')).toMatchObject({
      at: second(100),
      actor: 'scim:okta',
      stream: 'user-acme-ada',
      sentence: 'Ada Lovelace was deactivated: every gate denies from here on.',
    });
    expect(asked.slice(0, 2)).toEqual(['acme', 'ada']);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('numbers events as the ledger does, each tenant for itself, however the log is cut', async () => {
    new Offboarding(log, 'acme').tell();
    new Offboarding(log, 'globex').tell();
    await follow(db, views, log.events, 3);
    const trail = new Trail(db);
    for (const tenant of ['acme', 'globex']) {
      const { lines } = await trail.trail(tenant, { limit: 1000 });
      const recorded = log.events.filter((event) => event.metadata.tenant === tenant);
      expect(lines.map((line) => [line.seq, line.type])).toEqual(recorded.map((event, i) => [i, event.type]));
      expect(await trail.size(tenant)).toBe(await new Ledger(db).size(tenant));
    }
  });

  it.each([1, 1000])(
    "finds what happened to a person's credentials under that person (batches of %d)",
    async (batch) => {
      new Offboarding(log).tell();
      await follow(db, views, log.events, batch);
      const types = await typesOf({ subjects: ['ada'] });
      expect(types).toEqual([
        'UserProvisioned',
        ...Array<string>(4).fill('CredentialRegistered'),
        'UserDeactivated',
        'CascadeStarted',
        'RevocationPlanned',
        'RevocationDeferred',
        'RevocationAcknowledged',
        'RevocationAcknowledged',
        'RevocationParked',
        'RevocationVerified',
        'RevocationWaived',
        'RevocationExpired',
        'CascadeCompleted',
      ]);
      expect(await typesOf({ subjects: ['bob'] })).toEqual(['UserProvisioned', 'UserDeactivated', 'NothingToRevoke']);
    },
  );

  it('finds the targets of a leaver whose agent held the credentials in its own name', async () => {
    const story = new Offboarding(log);
    story.register('c-t1', { agentId: 'agent-7' });
    const target = { targetId: 't1', agentId: 'agent-7', holdingType: 'credential', holdingId: 'c-t1' } as const;
    const planned = { ...target, kind: 'api_key', providerId: 'google', order: 20 } as const;
    story.plan('k1', 'ada', story.deactivate('ada', 10), [planned], 11);
    story.acknowledge('t1', 'k1', 1, 12);
    await follow(db, views, log.events, 1);
    expect(await typesOf({ subjects: ['ada'] })).toContain('RevocationAcknowledged');
    expect(await typesOf({ subjects: ['agent-7'] })).toContain('RevocationAcknowledged');
    expect(await typesOf({ subjects: ['ada', 'agent-7'] })).toEqual(['RevocationPlanned', 'RevocationAcknowledged']);
  });

  it('finds what happened later to something once registered', async () => {
    const story = new Offboarding(log);
    story.register('c1', { userId: 'ada' });
    log.record(
      'CredentialRotated',
      { credentialId: 'c1', secretId: 's', fingerprint: 'f' },
      { stream: 'credential-acme-c1' },
    );
    log.record('CredentialReleased', { credentialId: 'c1' }, { stream: 'credential-acme-c1' });
    await follow(db, views, log.events, 1);
    expect(await typesOf({ subjects: ['ada'] })).toEqual([
      'CredentialRegistered',
      'CredentialRotated',
      'CredentialReleased',
    ]);
  });

  it('shows one cascade, one target or one stretch of time', async () => {
    new Offboarding(log).tell();
    await follow(db, views, log.events);
    expect(await typesOf({ cascadeId: 'k2' })).toEqual(['NothingToRevoke']);
    expect((await typesOf({ cascadeId: 'k1' })).length).toBe(10);
    expect(await typesOf({ targetId: 't1' })).toEqual([
      'RevocationDeferred',
      'RevocationAcknowledged',
      'RevocationVerified',
    ]);
    expect(await typesOf({ from: second(150), to: second(300) })).toEqual([
      'UserDeactivated',
      'NothingToRevoke',
      'RevocationVerified',
    ]);
  });

  it('is read page by page in both directions without gaps or repeats', async () => {
    new Offboarding(log).tell();
    await follow(db, views, log.events);
    const trail = new Trail(db);
    for (const direction of ['forwards', 'backwards'] as const) {
      const seqs: number[] = [];
      let after: number | undefined;
      do {
        const page = await trail.trail('acme', {
          subjects: ['ada'],
          direction,
          limit: 3,
          ...(after === undefined ? {} : { after }),
        });
        seqs.push(...page.lines.map((line) => line.seq));
        after = page.next;
      } while (after !== undefined);
      const all = (await trail.trail('acme', { subjects: ['ada'] })).lines.map((line) => line.seq);
      expect(seqs).toEqual(direction === 'forwards' ? all : all.reverse());
    }
  });

  it('knows the places that concern a person', async () => {
    new Offboarding(log).tell();
    await follow(db, views, log.events);
    const trail = new Trail(db);
    expect(await trail.placesOf('acme', 'bob', 1000)).toEqual([
      { seq: 1, stream: 'user-acme-bob' },
      { seq: 13, stream: 'user-acme-bob' },
      { seq: 14, stream: 'cascade-acme-k2' },
    ]);
    expect(await trail.placesOf('acme', 'bob', 2)).toEqual([{ seq: 1, stream: 'user-acme-bob' }]);
  });
});
