// Handles what is asked of connections: they are opened and changed, and their tokens are issued and revoked.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { Vault } from '@app/vault';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotFound, TooManyTokens } from '../directory.errors.js';
import { AgentRules } from '../agents/agent-rule.js';
import {
  ChangeConnection,
  IssueConnectionToken,
  OpenConnection,
  RevokeConnectionToken,
  type ConnectionSettings,
  type IssuedToken,
} from '../tenant.commands.js';
import { changeProfile, connectionAggregate, VALID_TOKENS, validTokens } from './connection.js';
import { tenantAggregate } from './tenant.js';
import { fingerprintOf, newToken } from './tokens.js';

@CommandHandler(OpenConnection)
export class OpenConnectionHandler implements ICommandHandler<OpenConnection> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
    private readonly agentRules: AgentRules,
  ) {}

  async execute(command: OpenConnection): Promise<{ connectionId: string; position: bigint }> {
    const { context, name, dialect } = command;
    const { tenant } = context;
    const settings = this.settingsOf(tenant, command.settings);
    const { state } = await this.decisions.load(streams.tenant(tenant), tenantAggregate);
    if (!state.exists) throw new NotFound('no such tenant');
    const connectionId = newId();
    const opened = newEvent(
      'ConnectionOpened',
      { connectionId, name, dialect, ...settings },
      contextOf(context, this.clock.iso()),
    );
    const { position } = await this.decisions.execute(
      streams.connection(tenant, connectionId),
      connectionAggregate,
      () => ({ events: [opened], result: undefined }),
    );
    return { connectionId, position: position as bigint };
  }

  /** @throws InvalidPolicy */
  private settingsOf(tenant: string, { agentWhen, agentNameKey }: ConnectionSettings): ConnectionSettings {
    return {
      ...(agentWhen === undefined ? {} : { agentWhen: this.agentRules.normal(tenant, agentWhen) }),
      ...(agentNameKey === undefined ? {} : { agentNameKey }),
    };
  }
}

@CommandHandler(ChangeConnection)
export class ChangeConnectionHandler implements ICommandHandler<ChangeConnection> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
    private readonly agentRules: AgentRules,
  ) {}

  async execute({ context, connectionId, changes }: ChangeConnection): Promise<{ position: bigint | undefined }> {
    const { agentWhen } = changes;
    const normal =
      typeof agentWhen === 'string'
        ? { ...changes, agentWhen: this.agentRules.normal(context.tenant, agentWhen) }
        : changes;
    const stream = streams.connection(context.tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, (connection) => ({
      events: changeProfile(connection, normal, connectionId, contextOf(context, this.clock.iso())),
      result: undefined,
    }));
    return { position };
  }
}

@CommandHandler(IssueConnectionToken)
export class IssueConnectionTokenHandler implements ICommandHandler<IssueConnectionToken> {
  constructor(
    private readonly decisions: Decisions,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  async execute({ context, connectionId, expiresAt }: IssueConnectionToken): Promise<IssuedToken> {
    const token = newToken('scim');
    const tokenId = newId();
    const fingerprint = fingerprintOf(this.vault, token);
    const data = { connectionId, tokenId, fingerprint, ...(expiresAt === undefined ? {} : { expiresAt }) };
    const stream = streams.connection(context.tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, (connection) => {
      if (connection.state === 'none' || connection.state === 'closed') throw new NotFound('no such open connection');
      if (validTokens(connection, this.clock.now()) >= VALID_TOKENS) {
        throw new TooManyTokens(`the connection has ${VALID_TOKENS} valid tokens: revoke one first`);
      }
      const issued = newEvent('ConnectionTokenIssued', data, contextOf(context, this.clock.iso()));
      return { events: [issued], result: undefined };
    });
    return { token, tokenId, position: position as bigint };
  }
}

@CommandHandler(RevokeConnectionToken)
export class RevokeConnectionTokenHandler implements ICommandHandler<RevokeConnectionToken> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, connectionId, tokenId }: RevokeConnectionToken): Promise<{ position: bigint | undefined }> {
    const stream = streams.connection(context.tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, ({ tokens }) => {
      const token = tokens.get(tokenId);
      if (token === undefined) throw new NotFound('no such token');
      if (token.revoked) return { events: [], result: undefined };
      const data = { connectionId, tokenId };
      const revoked = newEvent('ConnectionTokenRevoked', data, contextOf(context, this.clock.iso()));
      return { events: [revoked], result: undefined };
    });
    return { position };
  }
}
