// The tables of the directory's views, rebuilt from the log.
import { createTables, dropTables, type Table } from '@app/runtime';
import { CompiledQuery, type Kysely } from 'kysely';
import { connectionIndexes, connectionTables, type ConnectionsDb } from './tenants/connection-tables.js';

/** DI token of the Kysely instance over {@link DirectoryDb}. */
export const DIRECTORY_DB = Symbol('DIRECTORY_DB');

/** 0 or 1: portable between SQLite and PostgreSQL. */
export type Flag = number;

export interface UserRow {
  tenant: string;
  /** The connection that provisioned it; null: the platform. */
  connection_id: string | null;
  user_id: string;
  user_name_ci: string;
  display_name_ci: string | null;
  external_id: string | null;
  /** What people call the user: displayName, or else userName. */
  display: string;
  active: Flag;
  /** JSON object. */
  attributes: string;
  data_key_id: string;
  created: string;
  last_modified: string;
  revision: number;
  /** Log position of the creation: the order of lists. */
  seq: number;
}

export interface GroupRow {
  tenant: string;
  /** The connection that provisioned it; null: the platform. */
  connection_id: string | null;
  group_id: string;
  display_name_ci: string;
  external_id: string | null;
  display: string;
  /** JSON object. */
  attributes: string;
  created: string;
  last_modified: string;
  revision: number;
  seq: number;
}

export interface AgentRow {
  tenant: string;
  /** The connection that provisioned it; null: the platform. */
  connection_id: string | null;
  agent_id: string;
  name: string;
  name_ci: string;
  display_name_ci: string | null;
  external_id: string | null;
  active: Flag;
  parent_id: string | null;
  /** JSON object. */
  attributes: string;
  created: string;
  last_modified: string;
  revision: number;
  seq: number;
}

export interface ApplicationRow {
  tenant: string;
  application_id: string;
  /** The connection that provisioned it; null: the platform. */
  connection_id: string | null;
  name: string;
  name_ci: string;
  display_name_ci: string | null;
  external_id: string | null;
  active: Flag;
  /** JSON object. */
  attributes: string;
  created: string;
  last_modified: string;
  revision: number;
  seq: number;
}

/** Of a type that an operator added. */
export interface ResourceRow {
  tenant: string;
  resource_id: string;
  resource_type: string;
  /** The connection that created it; null: the platform. */
  connection_id: string | null;
  external_id: string | null;
  /** displayName, or else the id. */
  display: string;
  /** JSON object. */
  attributes: string;
  data_key_id: string;
  created: string;
  last_modified: string;
  revision: number;
  seq: number;
}

/** Which applications an agent belongs to. */
export interface AgentApplicationRow {
  tenant: string;
  agent_id: string;
  application_id: string;
}

export interface MemberRow {
  tenant: string;
  group_id: string;
  member_id: string;
  /** `User` or `Group`. */
  type: string;
}

export interface OwnerRow {
  tenant: string;
  agent_id: string;
  owner_id: string;
  /** `User`, `Group` or `Connection`. */
  type: string;
}

export interface DirectoryDb extends ConnectionsDb {
  users: UserRow;
  groups: GroupRow;
  members: MemberRow;
  agents: AgentRow;
  owners: OwnerRow;
  applications: ApplicationRow;
  agent_applications: AgentApplicationRow;
  resources: ResourceRow;
}

export type Trx = Kysely<DirectoryDb>;

type ColumnType = 'text' | 'integer' | 'bigint' | 'text?';
type Columns<Row> = Readonly<Record<keyof Row, ColumnType>>;

const resource = {
  connection_id: 'text?',
  attributes: 'text',
  created: 'text',
  last_modified: 'text',
  revision: 'integer',
  seq: 'bigint',
} as const;

const tables: { readonly [T in keyof DirectoryDb]: Table & { columns: Columns<DirectoryDb[T]> } } = {
  users: {
    columns: {
      tenant: 'text',
      user_id: 'text',
      user_name_ci: 'text',
      display_name_ci: 'text?',
      external_id: 'text?',
      display: 'text',
      active: 'integer',
      data_key_id: 'text',
      ...resource,
    },
    key: ['tenant', 'user_id'],
  },
  groups: {
    columns: {
      tenant: 'text',
      group_id: 'text',
      display_name_ci: 'text',
      external_id: 'text?',
      display: 'text',
      ...resource,
    },
    key: ['tenant', 'group_id'],
  },
  members: {
    columns: { tenant: 'text', group_id: 'text', member_id: 'text', type: 'text' },
    key: ['tenant', 'group_id', 'member_id'],
    inKey: true,
  },
  agents: {
    columns: {
      tenant: 'text',
      agent_id: 'text',
      name: 'text',
      name_ci: 'text',
      display_name_ci: 'text?',
      external_id: 'text?',
      active: 'integer',
      parent_id: 'text?',
      ...resource,
    },
    key: ['tenant', 'agent_id'],
  },
  owners: {
    columns: { tenant: 'text', agent_id: 'text', owner_id: 'text', type: 'text' },
    key: ['tenant', 'agent_id', 'owner_id'],
  },
  applications: {
    columns: {
      tenant: 'text',
      application_id: 'text',
      name: 'text',
      name_ci: 'text',
      display_name_ci: 'text?',
      external_id: 'text?',
      active: 'integer',
      ...resource,
    },
    key: ['tenant', 'application_id'],
  },
  agent_applications: {
    columns: { tenant: 'text', agent_id: 'text', application_id: 'text' },
    key: ['tenant', 'agent_id', 'application_id'],
  },
  resources: {
    columns: {
      tenant: 'text',
      resource_id: 'text',
      resource_type: 'text',
      external_id: 'text?',
      display: 'text',
      data_key_id: 'text',
      ...resource,
    },
    key: ['tenant', 'resource_id'],
  },
  ...connectionTables,
};

const indexes: ReadonlyArray<readonly [name: string, table: keyof DirectoryDb, columns: readonly string[]]> = [
  ['users_seq', 'users', ['tenant', 'seq']],
  ['users_connection', 'users', ['tenant', 'connection_id', 'seq']],
  // With all that is asked of it before somebody is looked at: no row is read for that.
  ['users_user_name', 'users', ['tenant', 'user_name_ci', 'user_id', 'connection_id', 'seq']],
  ['users_display_name', 'users', ['tenant', 'display_name_ci']],
  ['users_external_id', 'users', ['tenant', 'external_id']],
  ['groups_seq', 'groups', ['tenant', 'seq']],
  ['groups_connection', 'groups', ['tenant', 'connection_id', 'seq']],
  ['groups_display_name', 'groups', ['tenant', 'display_name_ci']],
  ['groups_external_id', 'groups', ['tenant', 'external_id']],
  ['members_member', 'members', ['tenant', 'member_id', 'group_id']],
  ['agents_seq', 'agents', ['tenant', 'seq']],
  ['agents_connection', 'agents', ['tenant', 'connection_id', 'seq']],
  ['agents_name', 'agents', ['tenant', 'name_ci']],
  ['agents_display_name', 'agents', ['tenant', 'display_name_ci']],
  ['agents_external_id', 'agents', ['tenant', 'external_id']],
  ['applications_seq', 'applications', ['tenant', 'seq']],
  ['applications_connection', 'applications', ['tenant', 'connection_id', 'seq']],
  ['applications_name', 'applications', ['tenant', 'name_ci']],
  ['applications_display_name', 'applications', ['tenant', 'display_name_ci']],
  ['applications_external_id', 'applications', ['tenant', 'external_id']],
  ['resources_seq', 'resources', ['tenant', 'resource_type', 'seq']],
  ['resources_connection', 'resources', ['tenant', 'connection_id', 'resource_type', 'seq']],
  ['resources_external_id', 'resources', ['tenant', 'external_id']],
  ['agent_applications_application', 'agent_applications', ['tenant', 'application_id']],
  ...connectionIndexes,
];

/** Not made from the log: kept when the others are made anew. */
const kept: readonly string[] = ['token_uses', 'access_tokens', 'used_assertions'] satisfies (keyof DirectoryDb)[];
const views = Object.entries(tables).filter(([name]) => !kept.includes(name));

/** Whether a query can be run at all. */
const runs = (db: Kysely<DirectoryDb>, text: string): Promise<boolean> =>
  db.executeQuery(CompiledQuery.raw(text)).then(
    () => true,
    () => false,
  );

/**
 * Drops the views if an earlier version of the service made them otherwise.
 * @returns true when they must be made from the log again
 */
export async function dropOldViews(db: Kysely<DirectoryDb>): Promise<boolean> {
  let [there, asNow] = [0, 0];
  for (const [name, { columns }] of views) {
    if (await runs(db, `select 1 from "${name}" limit 0`)) there += 1;
    if (await runs(db, `select ${Object.keys(columns).join(', ')} from "${name}" limit 0`)) asNow += 1;
  }
  if (there === 0 || asNow === views.length) return false;
  await dropViews(db);
  return true;
}

/** What does not come from the log stays: the uses of tokens, and the tokens that were signed for. */
export const dropViews = (db: Kysely<DirectoryDb>): Promise<void> =>
  dropTables(
    db,
    views.map(([name]) => name),
  );

/** Creates what is missing; safe to call at every start. */
export async function migrateDirectoryDb(db: Kysely<DirectoryDb>): Promise<void> {
  await createTables(db, tables, indexes);
}
