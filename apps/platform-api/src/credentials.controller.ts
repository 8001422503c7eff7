// Credentials: what the agent platform obtained at providers, so that it can be taken away there.
import { InvalidPolicy } from '@app/directory';
import type { RequestContext } from '@app/events';
import { Context } from '@app/http';
import {
  AccessRefused,
  RegisterCredentials,
  ReleaseCredential,
  RotateCredential,
  type CredentialRegistration,
  type Registered,
} from '@app/revocation';
import { Body, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { CredentialConditions } from './credential-conditions.js';
import {
  CredentialBatchRequest,
  CredentialRequest,
  CredentialResults,
  RotateRequest,
  type CredentialResult,
} from './credentials.dto.js';
import { IdAnswer } from './fields.dto.js';
import { idFrom, Seed } from './idempotency.js';
import { mayHold } from './platform-problems.js';
import { PlatformController, TakesIdempotencyKey } from './platform-route.js';
import { Writes } from './writes.js';

function resultOf(one: Registered | AccessRefused | InvalidPolicy): CredentialResult {
  if (one instanceof InvalidPolicy) return { result: 'refused', code: 'invalid_policy', detail: one.message };
  if (one instanceof AccessRefused) return { result: 'refused', code: one.code, detail: one.message };
  const { id, denials } = one;
  return denials.length === 0 ? { result: 'registered', id } : { result: 'denied', id, reasons: denials };
}

/** The condition of one item does not hold up the others. */
function onlyInvalid(error: unknown): InvalidPolicy {
  if (error instanceof InvalidPolicy) return error;
  throw error;
}

@PlatformController('credentials')
export class CredentialsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly writes: Writes,
    private readonly conditions: CredentialConditions,
  ) {}

  @Post()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Register a credential; the same id with the same fields is the same credential' })
  @ApiCreatedResponse({ type: IdAnswer })
  async register(
    @Context() context: RequestContext,
    @Seed() seed: string | undefined,
    @Body() request: CredentialRequest,
  ): Promise<IdAnswer> {
    const id = request.id ?? idFrom(seed, 'credential');
    const registration = await this.conditions.registrationOf(context, request, id);
    const [one] = await this.commands.execute(new RegisterCredentials(context, [registration]));
    if (one instanceof AccessRefused) throw one;
    return mayHold(one as Registered);
  }

  @Post('batch')
  @HttpCode(200)
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Register up to 500 credentials; each has its own result' })
  @ApiOkResponse({ type: CredentialResults })
  async registerMany(
    @Context() context: RequestContext,
    @Seed() seed: string | undefined,
    @Body() { credentials }: CredentialBatchRequest,
  ): Promise<CredentialResults> {
    const asked = await Promise.all(
      credentials.map((one, n) => {
        const id = one.id ?? idFrom(seed, 'credential', String(n));
        return this.conditions.registrationOf(context, one, id).catch(onlyInvalid);
      }),
    );
    const items = asked.filter((one): one is CredentialRegistration => !(one instanceof InvalidPolicy));
    const registered = await this.commands.execute(new RegisterCredentials(context, items));
    const results = new Map(items.map((item, i) => [item, registered[i] as Registered | AccessRefused]));
    const resultFor = (one: CredentialRegistration | InvalidPolicy) =>
      one instanceof InvalidPolicy ? one : (results.get(one) as Registered | AccessRefused);
    return { results: asked.map((one) => resultOf(resultFor(one))) };
  }

  @Post(':id/rotate')
  @HttpCode(200)
  @TakesIdempotencyKey()
  @ApiOperation({
    summary: 'Record the new secret of a credential; the one before it is still revoked with it, unless it has expired',
  })
  @ApiOkResponse({ type: IdAnswer })
  async rotate(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() { secret, expiresAt }: RotateRequest,
  ): Promise<IdAnswer> {
    const rotation = { secret, ...(expiresAt === undefined ? {} : { expiresAt }) };
    return mayHold(await this.writes.execute(new RotateCredential(context, id, rotation)));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Release a credential that is not in use any more: it will not be revoked' })
  @ApiNoContentResponse()
  async release(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new ReleaseCredential(context, id));
  }
}
