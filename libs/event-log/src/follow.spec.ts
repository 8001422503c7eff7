// Projections are exactly once, on both databases, whatever fails and whoever else runs them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordedEvent } from '@app/events';
import { newId, openPostgres, openSqlite } from '@app/runtime';
import { startEventStoreServer, startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import { EventLogUnavailable, type EventLog } from './event-log.port.js';
import { EventStoreLog } from './eventstore.adapter.js';
import { Projector, ProjectorSet } from './follow.js';
import { NotYetVisible, type Projection } from './projection.port.js';
import { newStream, runIds, runsEnded } from './run-events.fixture.js';
import { SqliteEventLog } from './sqlite.adapter.js';

interface Db {
  runs: { run_id: string; position: string };
}

const WAIT_MS = 10_000;

/** Keeps a row per event. Nothing keeps it from having the same event twice. */
class Runs implements Projection<Db> {
  readonly name = 'runs';
  ignores: (event: RecordedEvent) => boolean = () => false;
  /** Called when the rows of a batch are written and not committed. */
  beforeCommit: (events: readonly RecordedEvent[]) => void = () => undefined;
  committed: (events: readonly RecordedEvent[]) => Promise<void> = () => Promise.resolve();

  async migrate(db: Kysely<Db>): Promise<void> {
    const table = db.schema.createTable('runs').ifNotExists();
    await table.addColumn('run_id', 'text').addColumn('position', 'text').execute();
  }

  async apply(trx: Kysely<Db>, events: readonly RecordedEvent[]): Promise<void> {
    const rows = events.map((event, i) => ({ run_id: runIds(events)[i] as string, position: `${event.position}` }));
    await trx.insertInto('runs').values(rows).execute();
    this.beforeCommit(events);
  }
}

let postgres: PrivatePostgres;
beforeAll(async () => {
  postgres = await startPrivatePostgres();
}, 60_000);
afterAll(() => postgres.stop());

/** Two handles on one database; on PostgreSQL they share nothing, as in two processes. */
const databases: [string, () => Promise<Kysely<Db>[]>][] = [
  [
    'SQLite',
    async () => {
      const db = openSqlite<Db>(':memory:');
      return [db, db];
    },
  ],
  [
    'PostgreSQL',
    async () => {
      const schema = `s${newId().replaceAll('-', '')}`;
      const first = await openPostgres<Db>(postgres.url, schema);
      return [first, await openPostgres<Db>(postgres.url, schema)];
    },
  ],
];

describe.each(databases)('Projector on %s', (_name, open) => {
  let directory: string;
  let log: SqliteEventLog;
  let handles: Kysely<Db>[];
  let db: Kysely<Db>;
  let errors: unknown[];
  let running: Projector<Db>[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'follow-'));
    log = SqliteEventLog.open({ directory });
    handles = await open();
    db = handles[0] as Kysely<Db>;
    errors = [];
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((projector) => projector.stop()));
    await Promise.all([...new Set(handles)].map((handle) => handle.destroy()));
    await log.close();
    await rm(directory, { recursive: true });
  });

  const run = async (
    projection: Runs = new Runs(),
    on: Kysely<Db> = db,
    followed: EventLog = log,
  ): Promise<Projector<Db>> => {
    const projector = new Projector<Db>({ log: followed, db: on, projection, onError: (error) => errors.push(error) });
    running.push(projector);
    await projector.start();
    return projector;
  };
  const append = async (count: number, name: string): Promise<bigint> =>
    (await log.append(newStream(), 'no-stream', runsEnded(count, name))).position;
  const rows = async (): Promise<string[]> => {
    const found = await db.selectFrom('runs').selectAll().execute();
    return found.sort((a, b) => Number(a.position) - Number(b.position)).map((row) => row.run_id);
  };
  const logged = async (): Promise<string[]> => runIds(await log.readAll({ max: 10_000 }));

  it('applies every event once, in the order of the log, across restarts', async () => {
    await append(600, 'before');
    const first = await run();
    const middle = await append(10, 'live');
    expect(await first.reached(middle, WAIT_MS)).toBe(true);
    expect(first.position).toBe(middle);
    await first.stop();
    const last = await append(5, 'while stopped');
    const second = await run();
    expect(second.position).toBeGreaterThanOrEqual(middle);
    expect(await second.reached(last, WAIT_MS)).toBe(true);
    expect(await rows()).toEqual(await logged());
    expect(errors).toEqual([]);
  });

  it('rebuilds the same rows when the tables are thrown away', async () => {
    const last = await append(50, 'run');
    const first = await run();
    await first.reached(last, WAIT_MS);
    const before = await rows();
    await first.stop();
    await sql`drop table runs`.execute(db);
    await sql`drop table checkpoints`.execute(db);
    const second = await run();
    expect(await second.reached(last, WAIT_MS)).toBe(true);
    expect(before).toHaveLength(50);
    expect(await rows()).toEqual(before);
  });

  it('begins again by itself when the rows go back below it', async () => {
    const projector = await run();
    await projector.reached(await append(20, 'old'), WAIT_MS);
    await db.transaction().execute(async (trx) => {
      await sql`delete from runs`.execute(trx);
      await sql`delete from checkpoints`.execute(trx);
    });
    const last = await append(1, 'new');
    expect(await projector.reached(last, WAIT_MS)).toBe(true);
    expect(await rows()).toEqual(await logged());
    expect(errors.map(String)).toEqual([expect.stringContaining('the rows of runs went back to position -1')]);
  });

  it('stores no checkpoint for what it ignores, and none of it is missing from the next one', async () => {
    const projection = new Runs();
    projection.ignores = (event) => runIds([event])[0]?.startsWith('noise') === true;
    const stored = async () => (await sql<{ position: string }>`select position from checkpoints`.execute(db)).rows[0];
    const projector = await run(projection);
    const first = await append(1, 'run');
    await projector.reached(first, WAIT_MS);
    expect(await projector.reached(await append(3, 'noise'), WAIT_MS)).toBe(true);
    expect(await stored()).toEqual({ position: `${first}` });
    const last = await append(1, 'more');
    expect(await projector.reached(last, WAIT_MS)).toBe(true);
    expect(await stored()).toEqual({ position: `${last}` });
    expect(await rows()).toEqual(['run-0', 'more-0']);
    await projector.stop();
    await (await run()).reached(last, WAIT_MS);
    expect(await rows()).toEqual(['run-0', 'more-0']);
    expect(errors).toEqual([]);
  });

  it('tries a batch that failed again, with nothing lost and nothing twice', async () => {
    const projection = new Runs();
    let failures = 3;
    projection.beforeCommit = (events) => {
      if (!runIds(events).includes('bad-0')) return;
      failures -= 1;
      if (failures >= 0) throw new Error(`failure ${failures}`);
    };
    const projector = await run(projection);
    await projector.reached(await append(2, 'good'), WAIT_MS);
    const last = await append(2, 'bad');
    expect(await projector.reached(last, WAIT_MS)).toBe(true);
    expect(await rows()).toEqual(['good-0', 'good-1', 'bad-0', 'bad-1']);
    expect(errors).toEqual([new Error('failure 2'), new Error('failure 1'), new Error('failure 0')]);
    await projector.reached(await append(1, 'after'), WAIT_MS);
    expect(projector.failure).toBeUndefined();
  });

  it('shows its last failure until a batch succeeds', async () => {
    const projection = new Runs();
    const refused = Promise.withResolvers<void>();
    const failure = new Error('the disk is full');
    projection.beforeCommit = () => {
      refused.resolve();
      throw failure;
    };
    const projector = await run(projection);
    const position = await append(1, 'run');
    await refused.promise;
    expect(await projector.reached(position, 20)).toBe(false);
    expect(projector.failure).toBe(failure);
    expect(await rows()).toEqual([]);
    projection.beforeCommit = () => undefined;
    expect(await projector.reached(position, WAIT_MS)).toBe(true);
    expect(projector.failure).toBeUndefined();
  });

  it('says that a position is not reached in time, and a set of projectors refuses to go on', async () => {
    const projector = await run();
    const position = await append(1, 'run');
    const models = new ProjectorSet([projector] as Projector<unknown>[]);
    await models.reached(position, WAIT_MS);
    expect(await projector.reached(position + 1n, 20)).toBe(false);
    await expect(models.reached(position + 1n, 20)).rejects.toBeInstanceOf(NotYetVisible);
    expect(await projector.reached(position, 0)).toBe(true);
  });

  it('calls committed when others can see the rows, and before a position counts as reached', async () => {
    const projection = new Runs();
    const seen: string[][] = [];
    projection.committed = async () => {
      seen.push(await rows());
    };
    const projector = await run(projection);
    await projector.reached(await append(2, 'a'), WAIT_MS);
    expect(seen).toEqual([['a-0', 'a-1']]);
    await projector.reached(await append(1, 'b'), WAIT_MS);
    expect(seen.at(-1)).toEqual(['a-0', 'a-1', 'b-0']);
  });

  it('reports a failure of committed and does not apply the rows again', async () => {
    const projection = new Runs();
    projection.committed = () => {
      throw new Error('not told');
    };
    const projector = await run(projection);
    expect(await projector.reached(await append(2, 'run'), WAIT_MS)).toBe(true);
    expect(errors).toEqual([new Error('not told')]);
    expect(await rows()).toEqual(['run-0', 'run-1']);
  });

  it('follows a log that breaks away again and again, with nothing lost and nothing twice', async () => {
    const server = await startEventStoreServer();
    const remote = EventStoreLog.connect({ url: server.url });
    const projector = await run(new Runs(), db, remote);
    for (const name of ['a', 'b', 'c']) {
      server.fault('cut', 1, 'read');
      server.cut();
      const writing = Promise.all([0, 1, 2, 3].map((i) => persist(remote, runsEnded(10, `${name}${i}`))));
      const positions = await writing;
      for (const position of positions) expect(await projector.reached(position, WAIT_MS)).toBe(true);
    }
    expect(await rows()).toEqual(runIds(await remote.readAll()));
    expect(await rows()).toHaveLength(120);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toBeInstanceOf(EventLogUnavailable);
    await projector.stop();
    await remote.close();
    await server.stop();
  });

  it('shares its rows with projectors of other processes: each event once, all of them told of it', async () => {
    const projections = [new Runs(), new Runs(), new Runs(), new Runs()];
    const told = projections.map((): string[] => []);
    projections.forEach((projection, i) => {
      projection.committed = async (events) => {
        told[i]?.push(...runIds(events));
      };
    });
    await append(700, 'before');
    // At once, on an empty database: they also race to create the tables.
    const projectors = await Promise.all(projections.map((one, i) => run(one, handles[i % 2] as Kysely<Db>)));
    let last = 0n;
    for (let i = 0; i < 30; i += 1) last = await append(3, `live-${i}`);
    const reached = await Promise.all(projectors.map((projector) => projector.reached(last, WAIT_MS)));
    expect(reached).toEqual([true, true, true, true]);
    expect(await rows()).toEqual(await logged());
    const live = (await logged()).slice(-90);
    for (const ids of told) expect(ids.slice(-90)).toEqual(live);
    expect(errors).toEqual([]);
  });
});

/** Appends to a new stream, again for as long as the outcome is unknown. */
async function persist(log: EventLog, events: ReturnType<typeof runsEnded>): Promise<bigint> {
  const stream = newStream();
  for (;;) {
    try {
      return (await log.append(stream, 'no-stream', events)).position;
    } catch (error) {
      expect(error).toBeInstanceOf(EventLogUnavailable);
    }
  }
}
