// Handles what is asked of a connection as a whole: it is paused, resumed, closed, and handed over.
import { streams } from '@app/events';
import { contextOf, Decisions } from '@app/event-log';
import { Clock } from '@app/runtime';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { UnusableSuccessor } from '../directory.errors.js';
import { CloseConnection, HandOverConnection, PauseConnection, ResumeConnection } from '../tenant.commands.js';
import { bringInto, connectionAggregate, handOver, offboard, type WantedState } from './connection.js';

type Asked = PauseConnection | ResumeConnection;
type Done = Promise<{ position: bigint | undefined }>;

@Injectable()
export class ConnectionStates {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async bring({ context, connectionId }: Asked, wanted: Exclude<WantedState, 'closed'>): Done {
    const stream = streams.connection(context.tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, (connection) => ({
      events: bringInto(connection, wanted, connectionId, contextOf(context, this.clock.iso())),
      result: undefined,
    }));
    return { position };
  }
}

@CommandHandler(PauseConnection)
export class PauseConnectionHandler implements ICommandHandler<PauseConnection> {
  constructor(private readonly states: ConnectionStates) {}

  execute(command: PauseConnection): Done {
    return this.states.bring(command, 'paused');
  }
}

@CommandHandler(ResumeConnection)
export class ResumeConnectionHandler implements ICommandHandler<ResumeConnection> {
  constructor(private readonly states: ConnectionStates) {}

  execute(command: ResumeConnection): Done {
    return this.states.bring(command, 'open');
  }
}

@CommandHandler(CloseConnection)
export class CloseConnectionHandler implements ICommandHandler<CloseConnection> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, connectionId, provisioned }: CloseConnection): Done {
    const stream = streams.connection(context.tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, (connection) => {
      const at = contextOf(context, this.clock.iso());
      const closed = bringInto(connection, 'closed', connectionId, at);
      const ordered = provisioned === 'deactivate' ? offboard(connection, connectionId, at) : [];
      return { events: [...closed, ...ordered], result: undefined };
    });
    return { position };
  }
}

@CommandHandler(HandOverConnection)
export class HandOverConnectionHandler implements ICommandHandler<HandOverConnection> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, connectionId, to }: HandOverConnection): Done {
    const { tenant } = context;
    const successor = await this.decisions.load(streams.connection(tenant, to), connectionAggregate);
    if (to === connectionId || successor.state.state === 'none' || successor.state.state === 'closed') {
      throw new UnusableSuccessor('what is handed over needs another connection that is not closed');
    }
    const stream = streams.connection(tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, (connection) => ({
      events: handOver(connection, { connectionId, to }, contextOf(context, this.clock.iso())),
      result: undefined,
    }));
    return { position };
  }
}
