// Handles what is asked of a connection as a whole: it is paused, resumed and closed.
import { streams } from '@app/events';
import { contextOf, Decisions } from '@app/event-log';
import { Clock } from '@app/runtime';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CloseConnection, PauseConnection, ResumeConnection } from '../tenant.commands.js';
import { bringInto, connectionAggregate, type WantedState } from './connection.js';

type Asked = PauseConnection | ResumeConnection | CloseConnection;
type Done = Promise<{ position: bigint | undefined }>;

@Injectable()
export class ConnectionStates {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async bring({ context, connectionId }: Asked, wanted: WantedState): Done {
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
  constructor(private readonly states: ConnectionStates) {}

  execute(command: CloseConnection): Done {
    return this.states.bring(command, 'closed');
  }
}
