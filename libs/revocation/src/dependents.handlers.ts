// Counts what would be revoked with roles, before they are lost.
import { run } from '@app/runtime';
import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { CountDependents, type Dependents } from './access.queries.js';
import { GATE_DB, type GateDb, type GateHoldingRow } from './gate-db.js';
import { requirementOfRole } from './requirements.js';

type Held = Pick<GateHoldingRow, 'holding_id' | 'user_id' | 'requires_groups'>;

const PAGE = 1_000;

@QueryHandler(CountDependents)
export class CountDependentsHandler implements IQueryHandler<CountDependents> {
  constructor(@Inject(GATE_DB) private readonly db: Kysely<GateDb>) {}

  async execute({ tenant, lost }: CountDependents): Promise<Dependents> {
    const byRequirement = new Map(lost.map((one) => [requirementOfRole(one.roleId), one]));
    const byRole = new Map(lost.map(({ roleId }) => [roleId, 0]));
    let total = 0;
    for await (const { user_id, requires_groups } of this.held(tenant)) {
      const roles = (JSON.parse(requires_groups) as string[])
        .map((requirement) => byRequirement.get(requirement))
        .filter((one) => one !== undefined && (one.lostBy === 'everybody' || one.lostBy.has(user_id ?? '')));
      if (roles.length > 0) total += 1;
      for (const role of roles) if (role !== undefined) byRole.set(role.roleId, (byRole.get(role.roleId) ?? 0) + 1);
    }
    return { total, byRole };
  }

  private async *held(tenant: string): AsyncGenerator<Held> {
    const text = `select holding_id, user_id, requires_groups from held_holdings
      where tenant = ? and holding_type = 'credential' and holding_id > ? and state = 'held' and requires_groups <> '[]'
      order by holding_id limit ?`;
    for (let after: string | undefined = ''; after !== undefined;) {
      const page: Held[] = await run(this.db, text, [tenant, after, PAGE]);
      yield* page;
      after = page.length < PAGE ? undefined : page.at(-1)?.holding_id;
    }
  }
}
