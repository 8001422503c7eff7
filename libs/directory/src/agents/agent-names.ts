// What people call agents: those that are pushed as users are named by their users.
import { rowsIn } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { AgentRow, DirectoryDb } from '../directory-db.js';

type Named = Pick<AgentRow, 'agent_id' | 'name'>;

/** In the log the names of a pushed agent are sealed with those of its user, and its id stands where others have a name. */
const isPushedAsUser = ({ agent_id, name }: Named): boolean => name === agent_id;

/** @returns the name of each agent, by its id */
export async function agentNames(
  db: Kysely<DirectoryDb>,
  tenant: string,
  agents: readonly Named[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map(agents.map(({ agent_id, name }) => [agent_id, name]));
  const pushed = agents.filter(isPushedAsUser).map(({ agent_id }) => agent_id);
  for (const { user_id, display } of await rowsIn(db, 'users', tenant, 'user_id', pushed)) names.set(user_id, display);
  return names;
}
