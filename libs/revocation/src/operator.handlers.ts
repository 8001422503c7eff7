// Handles operator commands: decided on the target's own stream, so that they race fairly with the workers.
import { streams } from '@app/events';
import { Decisions, newEvent } from '@app/event-log';
import { Clock } from '@app/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { RetryRevocation, TargetNotFound, TargetSettled, WaiveRevocation } from './operator.commands.js';
import { REVOCATION_DB, type RevocationDb } from './revocation-db.js';
import { evolveTarget, plannedTarget } from './target.js';

const aggregate = { initial: () => plannedTarget(0), evolve: evolveTarget };

@Injectable()
export class OperatorDecisions {
  constructor(
    @Inject(REVOCATION_DB) private readonly db: Kysely<RevocationDb>,
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns the position to wait for before answering
   * @throws TargetNotFound, TargetSettled
   */
  async record(
    type: 'RevocationRetried' | 'RevocationWaived',
    { data: { tenant, targetId, reason, actor, by, correlationId } }: RetryRevocation | WaiveRevocation,
  ): Promise<bigint | undefined> {
    const row = await this.db
      .selectFrom('work_targets')
      .select('cascade_id')
      .where('tenant', '=', tenant)
      .where('target_id', '=', targetId)
      .executeTakeFirst();
    if (row === undefined) throw new TargetNotFound(`no revocation target ${targetId} in this tenant`);
    const { position } = await this.decisions.execute(streams.revocation(tenant, targetId), aggregate, (target) => {
      if (target.state === 'settled')
        throw new TargetSettled(`target ${targetId} has ended with grade ${target.grade}`);
      const context = { tenant, actor, correlationId, causationId: correlationId, at: this.clock.iso() };
      const data = { targetId, cascadeId: row.cascade_id, by, reason };
      return { events: [newEvent(type, data, context)], result: undefined };
    });
    return position;
  }
}

@CommandHandler(RetryRevocation)
export class RetryRevocationHandler implements ICommandHandler<RetryRevocation> {
  constructor(private readonly operator: OperatorDecisions) {}

  execute(command: RetryRevocation): Promise<bigint | undefined> {
    return this.operator.record('RevocationRetried', command);
  }
}

@CommandHandler(WaiveRevocation)
export class WaiveRevocationHandler implements ICommandHandler<WaiveRevocation> {
  constructor(private readonly operator: OperatorDecisions) {}

  execute(command: WaiveRevocation): Promise<bigint | undefined> {
    return this.operator.record('RevocationWaived', command);
  }
}
