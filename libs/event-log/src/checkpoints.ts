// How far the rows of a read model have come, stored beside them, and which event stood there: it tells the log apart from others.
import { hasColumn, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { EventPlace } from './event-log.port.js';
import { START } from './progress.js';

const READ = `insert into checkpoints (name, position) values (?, ?)
  on conflict (name) do update set position = checkpoints.position returning position, event`;
const MOVE = 'update checkpoints set position = ?, event = ? where name = ? and position = ? returning position';

/** As long as `event` is unknown the row was written by an earlier version of the service. */
export interface Checkpoint {
  readonly position: bigint;
  readonly event?: EventPlace;
}

/** Creates the table, or completes the one of an earlier version; safe to call at every start. */
export async function migrateCheckpoints<Db>(db: Kysely<Db>): Promise<void> {
  await db.schema
    .createTable('checkpoints')
    .ifNotExists()
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('position', 'text', (c) => c.notNull())
    .addColumn('event', 'text')
    .execute();
  if (await hasColumn(db, 'checkpoints', 'event')) return;
  await db.schema.alterTable('checkpoints').addColumn('event', 'text').execute();
}

/** Where the rows stand; inside a transaction nobody else moves it until the end. */
export async function readCheckpoint<Db>(db: Kysely<Db>, name: string): Promise<Checkpoint> {
  const [row] = await run<{ position: string; event: string | null }>(db, READ, [name, START.toString()]);
  const { position, event } = row as { position: string; event: string | null };
  return { position: BigInt(position), ...(event === null ? {} : { event: placeIn(event, BigInt(position)) }) };
}

/**
 * Moves the checkpoint onto an event, unless it stands elsewhere than at `from`; inside a transaction nobody else moves
 * it until the end.
 * @returns whether it moved
 */
export async function moveCheckpoint<Db>(
  db: Kysely<Db>,
  name: string,
  from: bigint,
  { position, id, stream, revision }: EventPlace,
): Promise<boolean> {
  const event = JSON.stringify({ id, stream, revision: revision.toString() });
  return (await run(db, MOVE, [position.toString(), event, name, from.toString()])).length > 0;
}

/** The rows go back to where nothing was applied. */
export async function forgetCheckpoint<Db>(db: Kysely<Db>, name: string): Promise<void> {
  await run(db, 'delete from checkpoints where name = ?', [name]);
}

function placeIn(event: string, position: bigint): EventPlace {
  const { id, stream, revision } = JSON.parse(event) as { id: string; stream: string; revision: string };
  return { id, stream, revision: BigInt(revision), position };
}
