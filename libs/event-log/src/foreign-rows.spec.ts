// Rows that were made from another log are never taken for rows of this one, on both databases and both logs.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordedEvent } from '@app/events';
import { newId, openPostgres, openSqlite } from '@app/runtime';
import { startEventStoreServer, startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import type { EventLog } from './event-log.port.js';
import { EventStoreLog } from './eventstore.adapter.js';
import { ForeignRows, Projector } from './follow.js';
import type { Projection } from './projection.port.js';
import { newStream, runIds, runsEnded } from './run-events.fixture.js';
import { SqliteEventLog } from './sqlite.adapter.js';

interface Db {
  seen: { run_id: string };
}

const WAIT_MS = 10_000;

class Seen implements Projection<Db> {
  readonly name = 'seen';

  async migrate(db: Kysely<Db>): Promise<void> {
    await db.schema.createTable('seen').ifNotExists().addColumn('run_id', 'text').execute();
  }

  async apply(trx: Kysely<Db>, events: readonly RecordedEvent[]): Promise<void> {
    await trx
      .insertInto('seen')
      .values(runIds(events).map((run_id) => ({ run_id })))
      .execute();
  }
}

class Replaceable extends Seen {
  discard(db: Kysely<Db>): Promise<void> {
    return db.schema.dropTable('seen').execute();
  }
}

let postgres: PrivatePostgres;
beforeAll(async () => {
  postgres = await startPrivatePostgres();
}, 60_000);
afterAll(() => postgres.stop());

const databases: [string, () => Promise<Kysely<Db>>][] = [
  ['SQLite', async () => openSqlite<Db>(':memory:')],
  ['PostgreSQL', () => openPostgres<Db>(postgres.url, `s${newId().replaceAll('-', '')}`)],
];

describe.each(databases)('rows on %s beside another log', (_name, open) => {
  let directory: string;
  let log: SqliteEventLog;
  let db: Kysely<Db>;
  let errors: unknown[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'foreign-'));
    log = SqliteEventLog.open({ directory });
    db = await open();
    errors = [];
  });
  afterEach(async () => {
    await db.destroy();
    await log.close();
    await rm(directory, { recursive: true });
  });

  const start = async (projection: Projection<Db> = new Replaceable(), followed: EventLog = log) => {
    const projector = new Projector<Db>({ log: followed, db, projection, onError: (error) => errors.push(error) });
    await projector.start();
    return projector;
  };
  const append = async (count: number, name: string): Promise<bigint> =>
    (await log.append(newStream(), 'no-stream', runsEnded(count, name))).position;
  const followTo = async (position: bigint, projection?: Projection<Db>): Promise<void> => {
    const projector = await start(projection);
    expect(await projector.reached(position, WAIT_MS)).toBe(true);
    await projector.stop();
  };
  const rows = async () => (await db.selectFrom('seen').selectAll().execute()).map((row) => row.run_id);
  const reopen = async (change: () => Promise<unknown>): Promise<void> => {
    await log.close();
    await change();
    log = SqliteEventLog.open({ directory });
  };
  const file = () => join(directory, 'events.db');
  /** The log as it was after the first two events, and three events that only the rows know. */
  const putBackOlderLog = async (projection?: Projection<Db>): Promise<void> => {
    await append(2, 'kept');
    await reopen(() => copyFile(file(), `${file()}.copy`));
    await followTo(await append(3, 'lost'), projection);
    await reopen(() => copyFile(`${file()}.copy`, file()));
  };

  it('are made anew from a log that was put back from an older copy', async () => {
    await putBackOlderLog();
    const last = await append(3, 'new');
    await followTo(last);
    expect(await rows()).toEqual(['kept-0', 'kept-1', 'new-0', 'new-1', 'new-2']);
    expect(errors.map(String)).toEqual([expect.stringContaining('the rows of seen reach to: making them anew')]);
    await followTo(last);
    expect(errors).toHaveLength(1);
  });

  it('keep the start from going on where nobody may throw them away', async () => {
    await putBackOlderLog(new Seen());
    await expect(start(new Seen())).rejects.toThrow(ForeignRows);
    await expect(start(new Seen())).rejects.toThrow(/"seen"[^]*put back[^]*newest copy[^]*move[^]*seen\.db/);
    expect(await rows()).toEqual(['kept-0', 'kept-1', 'lost-0', 'lost-1', 'lost-2']);
  });

  it('are never thrown away because of an empty log', async () => {
    await followTo(await append(2, 'run'));
    await reopen(() => rm(file()));
    await expect(start()).rejects.toThrow(/log is empty[^]*events\.db/);
    expect(await rows()).toEqual(['run-0', 'run-1']);
  });

  it('are taken as they are once, where an earlier version did not write down to which event they reach', async () => {
    await db.schema.createTable('seen').addColumn('run_id', 'text').execute();
    await sql`create table checkpoints (name text primary key, position text not null)`.execute(db);
    const first = await append(1, 'run');
    await sql`insert into checkpoints values ('seen', ${first.toString()})`.execute(db);
    await followTo(await append(1, 'more'));
    expect(await rows()).toEqual(['more-0']);
    const { rows: stored } = await sql<{ event: string }>`select event from checkpoints`.execute(db);
    expect(stored[0]?.event).toContain((await log.readAll()).at(-1)?.id);
    expect(errors).toEqual([]);
  });

  it('go no further when a server comes back with another log', async () => {
    const [server, other] = [await startEventStoreServer(), await startEventStoreServer()];
    const [remote, replaced] = [EventStoreLog.connect({ url: server.url }), EventStoreLog.connect({ url: other.url })];
    const { position } = await remote.append(newStream(), 'no-stream', runsEnded(3, 'run'));
    await replaced.append(newStream(), 'no-stream', runsEnded(5, 'other'));
    let current = remote;
    const exchanged = {
      subscribe: (options: { after?: bigint; signal: AbortSignal }) => current.subscribe(options),
      head: () => current.head(),
      holds: (event: RecordedEvent) => current.holds(event),
    };
    const refused = Promise.withResolvers<void>();
    const onError = (error: unknown) => void (error instanceof ForeignRows && refused.resolve());
    const projector = new Projector<Db>({ log: exchanged, db, projection: new Replaceable(), onError });
    await projector.start();
    expect(await projector.reached(position, WAIT_MS)).toBe(true);
    current = replaced;
    server.cut();
    await refused.promise;
    expect(projector.failure).toBeInstanceOf(ForeignRows);
    expect(await rows()).toEqual(['run-0', 'run-1', 'run-2']);
    await projector.stop();
    await Promise.all([remote.close(), replaced.close()]);
    await Promise.all([server.stop(), other.stop()]);
  });
});
