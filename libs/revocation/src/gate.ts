// Asks the deny gate: who is known, who may act, and what was decided about a registration.
import type { Holder, HoldingType } from '@app/events';
import { Inject, Injectable } from '@nestjs/common';
import { sql, type Kysely } from 'kysely';
import type { CredentialReason, Provider, Status, StatusQuestion, StatusReason } from './access.queries.js';
import { agentDenials, denialsOf, missingOf, subjectOf, userDenial, type DenialReason } from './denials.js';
import { GATE_DB, type GateDb, type GateHoldingRow, type GateProviderRow } from './gate-db.js';
import { GATE } from './gate.view.js';
import { subjectsOf } from './subjects.view.js';

const providerOf = (row: GateProviderRow): Provider => ({
  providerId: row.provider_id,
  connector: row.connector,
  displayName: row.display_name,
  settings: JSON.parse(row.settings) as Record<string, unknown>,
  hasSecret: row.has_secret === 1,
});

@Injectable()
export class Gate {
  constructor(@Inject(GATE_DB) private readonly db: Kysely<GateDb>) {}

  /** Whether every id of the holder is a user or an agent that this tenant has or had. */
  async knows(tenant: string, { userId, agentId }: Holder): Promise<boolean> {
    const db = subjectsOf(this.db);
    if (userId !== undefined && (await subjectOf(db, tenant, 'user', userId)) === undefined) return false;
    return agentId === undefined || (await subjectOf(db, tenant, 'agent', agentId)) !== undefined;
  }

  /** What spoke against the holder when this was registered or last rotated, and whether it was revoked since. */
  async verdict(tenant: string, type: HoldingType, id: string): Promise<(DenialReason | CredentialReason)[]> {
    const row = await this.holding(tenant, type, id);
    if (row === undefined) throw new Error('the deny gate has not seen the registration that it is asked about');
    const denials = JSON.parse(row.denials) as DenialReason[];
    return row.state === 'revoked' && denials.length === 0 ? ['credential_revoked'] : denials;
  }

  async status(tenant: string, { subjectId, onBehalfOf, credentialId }: StatusQuestion): Promise<Status> {
    const db = subjectsOf(this.db);
    // Read first: what is read after it is at least as new.
    const asOf = await this.position();
    const agent = await subjectOf(db, tenant, 'agent', subjectId);
    const user = agent === undefined ? await subjectOf(db, tenant, 'user', subjectId) : undefined;
    const reasons = new Set<StatusReason>();
    const add = (more: readonly (StatusReason | undefined)[]) => {
      for (const reason of more) if (reason !== undefined) reasons.add(reason);
    };
    if (agent !== undefined) add(await agentDenials(db, tenant, subjectId));
    else add([user === undefined ? 'unknown' : await userDenial(db, tenant, subjectId)]);
    if (onBehalfOf !== undefined) add([await userDenial(db, tenant, onBehalfOf)]);
    if (credentialId !== undefined) {
      const userId = agent === undefined ? subjectId : onBehalfOf;
      const asking = {
        ...(agent === undefined ? {} : { agentId: subjectId }),
        ...(userId === undefined ? {} : { userId }),
      };
      add(await this.credentialReasons(tenant, credentialId, asking));
    }
    return {
      subjectId,
      type: agent !== undefined ? 'agent' : user !== undefined ? 'user' : 'unknown',
      mayAct: reasons.size === 0,
      reasons: [...reasons],
      generation: (agent ?? user)?.generation ?? 0,
      asOf,
    };
  }

  async provider(tenant: string, providerId: string): Promise<Provider | undefined> {
    const row = await this.providerRows(tenant).where('provider_id', '=', providerId).executeTakeFirst();
    return row === undefined ? undefined : providerOf(row);
  }

  async providers(tenant: string): Promise<Provider[]> {
    return (await this.providerRows(tenant).orderBy('provider_id').execute()).map(providerOf);
  }

  private async credentialReasons(tenant: string, credentialId: string, asking: Holder): Promise<StatusReason[]> {
    const row = await this.holding(tenant, 'credential', credentialId);
    if (row === undefined) return ['credential_unknown'];
    const ended: StatusReason[] = row.state === 'held' ? [] : [`credential_${row.state}`];
    const isAgents = asking.agentId === undefined || row.agent_id === null || row.agent_id === asking.agentId;
    const isUsers = asking.userId === undefined || row.user_id === null || row.user_id === asking.userId;
    const isTheirs = isAgents && isUsers && (asking.agentId !== undefined || row.user_id !== null);
    if (!isTheirs) return [...ended, 'credential_not_held'];
    // Those who ask were looked at already.
    const holder = {
      ...(row.user_id === null || row.user_id === asking.userId ? {} : { userId: row.user_id }),
      ...(row.agent_id === null || row.agent_id === asking.agentId ? {} : { agentId: row.agent_id }),
    };
    const denials = await denialsOf(subjectsOf(this.db), tenant, holder);
    const missing = await missingOf(
      subjectsOf(this.db),
      tenant,
      row.user_id ?? undefined,
      JSON.parse(row.requires_groups) as string[],
    );
    return [...ended, ...denials, ...missing];
  }

  private providerRows(tenant: string) {
    return this.db.selectFrom('gate_providers').selectAll().where('tenant', '=', tenant);
  }

  private holding(tenant: string, type: HoldingType, id: string): Promise<GateHoldingRow | undefined> {
    return this.db
      .selectFrom('held_holdings')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('holding_type', '=', type)
      .where('holding_id', '=', id)
      .executeTakeFirst();
  }

  private async position(): Promise<string> {
    const { rows } = await sql<{ position: string }>`select position from checkpoints where name = ${GATE}`.execute(
      this.db,
    );
    return rows[0]?.position ?? '-1';
  }
}
