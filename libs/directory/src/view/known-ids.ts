// Finds out what ids stand for: only what this tenant, or this connection of it, has may become a member, an owner or a parent.
import type { MemberRef, OwnerRef } from '@app/events';
import { idLists, rowsIn } from '@app/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { sql, type Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb } from '../directory-db.js';
import { UnknownMembers } from '../directory.errors.js';
import { isWithin, type Scope } from '../scope.js';

/** What may be a member or an owner, the most frequent kind first. */
const places = [
  ['users', 'user_id', 'User'],
  ['groups', 'group_id', 'Group'],
] as const;

interface NamedMember extends MemberRef {
  readonly display: string;
}

/** @throws UnknownMembers */
function mustBeAmong(known: ReadonlySet<string>, ids: readonly string[]): void {
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) throw new UnknownMembers(unknown);
}

@Injectable()
export class KnownIds {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  /**
   * Users and groups, in the order of `ids`.
   * @throws UnknownMembers
   */
  async members(scope: Scope, ids: readonly string[]): Promise<MemberRef[]> {
    const types = await this.typesOf(scope, ids);
    mustBeAmong(new Set(types.keys()), ids);
    return ids.map((id) => ({ id, type: types.get(id) as MemberRef['type'] }));
  }

  /** @throws UnknownMembers when an owner does not exist, or is an agent, or is not what it is said to be */
  async mustBeOwners(scope: Scope, owners: readonly OwnerRef[]): Promise<void> {
    const ids = owners.map((o) => o.id);
    const types = await this.typesOf(scope, ids);
    const agents = await rowsIn(this.db, 'agents', scope.tenant, 'agent_id', types.keys());
    for (const { agent_id } of agents) types.delete(agent_id);
    const isKnown = ({ id, type }: OwnerRef) =>
      type === 'Connection' ? id === scope.connection : types.get(id) === type;
    const unknown = owners.filter((o) => !isKnown(o)).map((o) => o.id);
    if (unknown.length > 0) throw new UnknownMembers(unknown);
  }

  /** Whether it is a user, and no agent that is pushed as one. */
  async isPerson(scope: Scope, id: string): Promise<boolean> {
    if ((await this.typesOf(scope, [id])).get(id) !== 'User') return false;
    return (await rowsIn(this.db, 'agents', scope.tenant, 'agent_id', [id])).length === 0;
  }

  /** Whether the tenant has a user or a group of this id. */
  async isTaken(tenant: string, id: string): Promise<boolean> {
    return (await this.typesOf({ tenant }, [id])).size > 0;
  }

  /** @throws UnknownMembers */
  async mustBeAgents(scope: Scope, ids: readonly string[]): Promise<void> {
    const rows = await rowsIn(this.db, 'agents', scope.tenant, 'agent_id', ids);
    const known = new Set(rows.filter((row) => isWithin(scope, row.connection_id)).map((row) => row.agent_id));
    mustBeAmong(known, ids);
  }

  /** @throws UnknownMembers */
  async mustBeApplications(scope: Scope, ids: readonly string[]): Promise<void> {
    mustBeAmong(await this.applicationsAmong(scope, ids), ids);
  }

  /** The agents of an application, whoever provisioned them. */
  async agentsOf(tenant: string, applicationId: string): Promise<Set<string>> {
    const rows = await this.db
      .selectFrom('agent_applications')
      .select('agent_id')
      .where('tenant', '=', tenant)
      .where('application_id', '=', applicationId)
      .execute();
    return new Set(rows.map(({ agent_id }) => agent_id));
  }

  /** Whether the scope has an application of this id. */
  async isApplication(scope: Scope, id: string): Promise<boolean> {
    return (await this.applicationsAmong(scope, [id])).has(id);
  }

  /** Those of these ids that are connections of the tenant, closed ones too. */
  async connectionsAmong(tenant: string, ids: readonly string[]): Promise<Set<string>> {
    const rows = await rowsIn(this.db, 'connections', tenant, 'connection_id', new Set(ids));
    return new Set(rows.map(({ connection_id }) => connection_id));
  }

  /** Those of these ids that are users or groups of the scope, with their names. */
  async named(scope: Scope, ids: readonly string[]): Promise<NamedMember[]> {
    const members = new Map<string, NamedMember>();
    for (const [table, column, type] of places) {
      for (const chunk of idLists(ids.filter((id) => !members.has(id)))) {
        const found = await sql<{
          id: string;
          display: string;
          by: string | null;
        }>`select ${sql.ref(column)} as id, display, connection_id as "by" from ${sql.table(table)}
          where tenant = ${scope.tenant} and ${sql.ref(column)} in (${sql.join(chunk)})`.execute(this.db);
        for (const { id, display, by } of found.rows) if (isWithin(scope, by)) members.set(id, { id, type, display });
      }
    }
    return [...members.values()];
  }

  private async typesOf(scope: Scope, ids: readonly string[]): Promise<Map<string, MemberRef['type']>> {
    return new Map((await this.named(scope, ids)).map(({ id, type }) => [id, type]));
  }

  private async applicationsAmong(scope: Scope, ids: readonly string[]): Promise<Set<string>> {
    const rows = await rowsIn(this.db, 'applications', scope.tenant, 'application_id', ids);
    return new Set(rows.filter((row) => isWithin(scope, row.connection_id)).map((row) => row.application_id));
  }
}
