// How ids are called, for people who read about them.
import { idLists } from '@app/runtime';
import { sql, type Kysely } from 'kysely';
import type { DirectoryDb } from '../directory-db.js';

/** Where ids and their names are, the most frequent kind first. */
const places = [
  ['users', 'user_id', 'display'],
  ['groups', 'group_id', 'display'],
  ['agents', 'agent_id', 'name'],
  ['applications', 'application_id', 'name'],
  ['connections', 'connection_id', 'name'],
  ['resources', 'resource_id', 'display'],
] as const;

/** Unknown and erased ids are missing. */
export async function namesOf(
  db: Kysely<DirectoryDb>,
  tenant: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const [table, id, name] of places) {
    for (const chunk of idLists(ids.filter((one) => !names.has(one)))) {
      const found = await sql<{ id: string; name: string }>`
        select ${sql.ref(id)} as id, ${sql.ref(name)} as name from ${sql.table(table)}
        where tenant = ${tenant} and ${sql.ref(id)} in (${sql.join(chunk)})`.execute(db);
      for (const row of found.rows) names.set(row.id, row.name);
    }
  }
  return names;
}
