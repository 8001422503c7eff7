// Connections: the doors for identity providers, and the bearer tokens that open them.
import {
  ChangeConnection,
  CloseConnection,
  HandOverConnection,
  IssueConnectionToken,
  ListConnections,
  OpenConnection,
  PauseConnection,
  RegisterClientKey,
  ResumeConnection,
  RevokeClientKey,
  RevokeConnectionToken,
  type ConnectionSummary,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import { Caller, Context, ExchangeLog, QuirkCounts, type Principal } from '@app/http';
import { Clock } from '@app/runtime';
import { Body, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
} from '@nestjs/swagger';
import {
  ChangeConnectionRequest,
  ClientKeyRequest,
  CloseQuery,
  ConnectionAnswer,
  ConnectionList,
  ExchangeList,
  HandOverRequest,
  OpenConnectionRequest,
  QuirkList,
  TokenAnswer,
  TokenRequest,
} from './connections.dto.js';
import { IdAnswer } from './fields.dto.js';
import { ShownOnce } from './idempotency.js';
import { found, platformProblem } from './platform-problems.js';
import { OperatorController, TakesIdempotencyKey } from './platform-route.js';
import { answerOfExchange, answerOfQuirks } from './exchanges.js';
import { Writes } from './writes.js';

const answerOf = ({ connectionId, tokens, clientKeys, order, ...shown }: ConnectionSummary): ConnectionAnswer => ({
  id: connectionId,
  ...shown,
  ...(order === undefined ? {} : { order: { what: order.to === undefined ? 'deactivate' : 'hand-over', ...order } }),
  tokens: tokens.map(({ tokenId, ...rest }) => ({ id: tokenId, ...rest })),
  clientKeys: clientKeys.map(({ keyId, ...rest }) => ({ id: keyId, ...rest })),
});

@OperatorController('connections')
export class ConnectionsController {
  constructor(
    private readonly writes: Writes,
    private readonly queries: QueryBus,
    private readonly exchanges: ExchangeLog,
    private readonly quirkCounts: QuirkCounts,
    private readonly clock: Clock,
  ) {}

  @Post()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Open a connection for an identity provider' })
  @ApiCreatedResponse({ type: IdAnswer })
  async open(
    @Context() context: RequestContext,
    @Body() { name, dialect = 'lenient', ...settings }: OpenConnectionRequest,
  ): Promise<IdAnswer> {
    const { connectionId } = await this.writes.execute(new OpenConnection(context, name, dialect, settings));
    return { id: connectionId };
  }

  @Get()
  @ApiOperation({ summary: 'All connections and their tokens, without the tokens themselves' })
  @ApiOkResponse({ type: ConnectionList })
  async list(@Caller() { tenant }: Principal): Promise<ConnectionList> {
    return { connections: (await this.queries.execute(new ListConnections(tenant))).map(answerOf) };
  }

  @Patch(':id')
  @ApiOperation({
    summary: 'Change a connection that is not closed; what is not mentioned stays',
    description:
      'It holds for the requests that come in after this is answered. Whom the connection provisioned before stays what ' +
      'they are: a changed agentWhen decides for those who are provisioned from then on.',
  })
  @ApiOkResponse({ type: ConnectionAnswer })
  async change(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() changes: ChangeConnectionRequest,
  ): Promise<ConnectionAnswer> {
    await this.writes.execute(new ChangeConnection(context, id, changes));
    return answerOf(await this.one(context.tenant, id));
  }

  @Post(':id/pause')
  @HttpCode(204)
  @ApiOperation({ summary: 'Refuse everything that comes in (503 with Retry-After); the tokens stay valid' })
  @ApiNoContentResponse()
  async pause(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new PauseConnection(context, id));
  }

  @Post(':id/resume')
  @HttpCode(204)
  @ApiOperation({ summary: 'Let a paused connection in again' })
  @ApiNoContentResponse()
  async resume(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new ResumeConnection(context, id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Close a connection for good: its tokens open nothing, and whom it provisioned are deactivated',
    description:
      'Nobody vouches for them any more. They are deactivated one by one after this is answered; `order` of the ' +
      'connection tells when all of them are.',
  })
  @ApiNoContentResponse()
  async close(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Query() { provisioned }: CloseQuery,
  ): Promise<void> {
    await this.writes.execute(new CloseConnection(context, id, provisioned));
  }

  @Post(':id/hand-over')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Hand over to another connection what a closed one provisioned',
    description:
      'Active or not, as it is; a deactivation that is under way is finished first. Their externalId is forgotten: the ' +
      'other identity provider sets its own. `order` of the closed connection tells when all is handed over.',
  })
  @ApiAcceptedResponse({ type: ConnectionAnswer, description: 'The closed connection, with the order.' })
  async handOver(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() { to }: HandOverRequest,
  ): Promise<ConnectionAnswer> {
    await this.writes.execute(new HandOverConnection(context, id, to));
    return answerOf(await this.one(context.tenant, id));
  }

  @Post(':id/tokens')
  @ShownOnce()
  @TakesIdempotencyKey()
  @ApiOperation({
    summary: 'Issue a bearer token; at most two of a connection are valid at once',
    description:
      'To replace a token without a gap: issue a second one, switch the identity provider to it, see by lastUsedAt that ' +
      'the first is no longer used, and revoke the first.',
  })
  @ApiCreatedResponse({ type: TokenAnswer })
  async issue(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() { expiresAt }: TokenRequest,
  ): Promise<TokenAnswer> {
    const until = expiresAt === undefined ? undefined : new Date(expiresAt).toISOString();
    if (until !== undefined && until <= this.clock.iso()) throw platformProblem('expired_already');
    const { token, tokenId } = await this.writes.execute(new IssueConnectionToken(context, id, until));
    return { id: tokenId, token };
  }

  @Delete(':id/tokens/:tokenId')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a bearer token' })
  @ApiNoContentResponse()
  async revoke(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Param('tokenId') tokenId: string,
  ): Promise<void> {
    await this.writes.execute(new RevokeConnectionToken(context, id, tokenId));
  }

  @Post(':id/client-keys')
  @TakesIdempotencyKey()
  @ApiOperation({
    summary: 'Register a public key for OAuth client credentials; at most two of a connection at once',
    description:
      'The client signs a JWT with it (RFC 7523: iss and sub are the id of the connection, aud the URL of /oauth/token, ' +
      'exp at most five minutes ahead, jti never used before) and sends it to POST /oauth/token for a token of an hour.',
  })
  @ApiCreatedResponse({ type: IdAnswer })
  async registerKey(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() { jwk }: ClientKeyRequest,
  ): Promise<IdAnswer> {
    const { keyId } = await this.writes.execute(new RegisterClientKey(context, id, jwk));
    return { id: keyId };
  }

  @Delete(':id/client-keys/:keyId')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a public key, and with it the tokens that were issued for it' })
  @ApiNoContentResponse()
  async revokeKey(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Param('keyId') keyId: string,
  ): Promise<void> {
    await this.writes.execute(new RevokeClientKey(context, id, keyId));
  }

  @Get(':id/requests')
  @ApiOperation({ summary: 'The last 500 requests that came in, without bodies, queries, tokens and values' })
  @ApiOkResponse({ type: ExchangeList })
  async requests(@Caller() { tenant }: Principal, @Param('id') id: string): Promise<ExchangeList> {
    await this.one(tenant, id);
    return { requests: (await this.exchanges.of(id)).map(answerOfExchange) };
  }

  @Get(':id/quirks')
  @ApiOperation({ summary: 'The deviations from the RFCs that were accepted, with how often' })
  @ApiOkResponse({ type: QuirkList })
  async quirks(@Caller() { tenant }: Principal, @Param('id') id: string): Promise<QuirkList> {
    await this.one(tenant, id);
    return { quirks: answerOfQuirks(await this.quirkCounts.of(tenant, id)) };
  }

  /** @throws ProblemError 404 */
  private async one(tenant: string, id: string): Promise<ConnectionSummary> {
    const connections = await this.queries.execute(new ListConnections(tenant));
    return found(connections.find(({ connectionId }) => connectionId === id));
  }
}
