// Handles what is asked of the keys of a connection: they are registered and revoked.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotFound, TooManyTokens } from '../directory.errors.js';
import { RegisterClientKey, RevokeClientKey } from '../tenant.commands.js';
import { clientKeyOf } from './client-key.js';
import { connectionAggregate, VALID_TOKENS } from './connection.js';

@CommandHandler(RegisterClientKey)
export class RegisterClientKeyHandler implements ICommandHandler<RegisterClientKey> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, connectionId, jwk }: RegisterClientKey): Promise<{ keyId: string; position: bigint }> {
    const keyId = newId();
    const key = clientKeyOf(jwk);
    const stream = streams.connection(context.tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, ({ state, clientKeys }) => {
      if (state === 'none' || state === 'closed') throw new NotFound('no such open connection');
      if (clientKeys.size >= VALID_TOKENS) throw new TooManyTokens(`the connection has ${VALID_TOKENS} keys`);
      const data = { connectionId, keyId, algorithm: key.algorithm, jwk: { ...key.jwk } };
      const registered = newEvent('ConnectionKeyRegistered', data, contextOf(context, this.clock.iso()));
      return { events: [registered], result: undefined };
    });
    return { keyId, position: position as bigint };
  }
}

@CommandHandler(RevokeClientKey)
export class RevokeClientKeyHandler implements ICommandHandler<RevokeClientKey> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, connectionId, keyId }: RevokeClientKey): Promise<{ position: bigint | undefined }> {
    const stream = streams.connection(context.tenant, connectionId);
    const { position } = await this.decisions.execute(stream, connectionAggregate, ({ clientKeys }) => {
      if (!clientKeys.has(keyId)) throw new NotFound('no such key');
      const data = { connectionId, keyId };
      return {
        events: [newEvent('ConnectionKeyRevoked', data, contextOf(context, this.clock.iso()))],
        result: undefined,
      };
    });
    return { position };
  }
}
