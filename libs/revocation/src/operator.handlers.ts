// Handles operator commands: decided on the target's own stream, so that they race fairly with the workers.
import { streams } from '@app/events';
import { Decisions, newEvent } from '@app/event-log';
import { Clock } from '@app/runtime';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RetryRevocation, TargetSettled, WaiveRevocation } from './operator.commands.js';
import { evolveTarget, plannedTarget } from './target.js';

const aggregate = { initial: () => plannedTarget(0), evolve: evolveTarget };

@Injectable()
export class OperatorDecisions {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns the position to wait for before answering
   * @throws TargetSettled
   */
  async record(
    type: 'RevocationRetried' | 'RevocationWaived',
    { data: { tenant, targetId, cascadeId, reason, actor, by, correlationId } }: RetryRevocation | WaiveRevocation,
  ): Promise<bigint | undefined> {
    const { position } = await this.decisions.execute(streams.revocation(tenant, targetId), aggregate, (target) => {
      if (target.state === 'settled')
        throw new TargetSettled(`target ${targetId} has ended with grade ${target.grade}`);
      const context = { tenant, actor, correlationId, causationId: correlationId, at: this.clock.iso() };
      const data = { targetId, cascadeId, by, reason };
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
