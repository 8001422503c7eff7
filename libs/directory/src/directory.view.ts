// The directory as it may be asked: one projection over users, groups, agents, connections and tokens.
import type { RecordedEvent } from '@app/events';
import { forgetCheckpoint, type Projection } from '@app/event-log';
import type { Vault } from '@app/vault';
import type { Kysely } from 'kysely';
import { applyToAgents } from './agents/agents.view.js';
import { applyToApplications } from './applications/applications.view.js';
import { dropOldViews, dropViews, migrateDirectoryDb, type DirectoryDb } from './directory-db.js';
import { applyToGroups } from './groups/groups.view.js';
import { applyToResources } from './resources/resources.view.js';
import { applyToConnections, isTokenEvent } from './tenants/connections.view.js';
import { applyToUsers } from './users/users.view.js';

export class DirectoryView implements Projection<DirectoryDb> {
  readonly name = 'directory';
  private readonly listeners: ((events: readonly RecordedEvent[]) => void)[] = [];

  constructor(private readonly vault: Vault) {}

  async migrate(db: Kysely<DirectoryDb>): Promise<void> {
    if (await dropOldViews(db)) await forgetCheckpoint(db, this.name);
    await migrateDirectoryDb(db);
  }

  discard(db: Kysely<DirectoryDb>): Promise<void> {
    return dropViews(db);
  }

  ignores({ stream }: RecordedEvent): boolean {
    return stream.startsWith('revocation-') || stream.startsWith('cascade-') || stream.startsWith('credential-');
  }

  async apply(trx: Kysely<DirectoryDb>, events: readonly RecordedEvent[]): Promise<void> {
    for (const [tenant, ofTenant] of Map.groupBy(events, (event) => event.metadata.tenant)) {
      for (const event of ofTenant.filter(isTokenEvent)) await applyToConnections(trx, event);
      // Groups before users: whoever is deleted in this batch leaves the groups joined in it.
      await applyToGroups(trx, tenant, ofTenant);
      await applyToApplications(trx, tenant, ofTenant);
      await applyToAgents(trx, tenant, ofTenant);
      await applyToResources(trx, this.vault, tenant, ofTenant);
      await applyToUsers(trx, this.vault, tenant, ofTenant);
    }
  }

  /**
   * `listener` is told of every batch, also of what another process applied, once its rows are committed and before a
   * write of it is answered. It must not throw.
   */
  onCommitted(listener: (events: readonly RecordedEvent[]) => void): void {
    this.listeners.push(listener);
  }

  committed(events: readonly RecordedEvent[]): void {
    for (const listener of this.listeners) listener(events);
  }
}
