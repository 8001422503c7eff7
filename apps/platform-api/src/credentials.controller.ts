// Credentials: what the agent platform obtained at providers, so that it can be taken away there.
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

const registrationOf = (request: CredentialRequest, id: string): CredentialRegistration => ({ ...request, id });

function resultOf(one: Registered | AccessRefused): CredentialResult {
  if (one instanceof AccessRefused) return { result: 'refused', code: one.code, detail: one.message };
  const { id, denials } = one;
  return denials.length === 0 ? { result: 'registered', id } : { result: 'denied', id, reasons: denials };
}

@PlatformController('credentials')
export class CredentialsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly writes: Writes,
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
    const registration = registrationOf(request, request.id ?? idFrom(seed, 'credential'));
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
    const items = credentials.map((one, n) => registrationOf(one, one.id ?? idFrom(seed, 'credential', String(n))));
    const results = await this.commands.execute(new RegisterCredentials(context, items));
    return { results: results.map(resultOf) };
  }

  @Post(':id/rotate')
  @HttpCode(200)
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Record the new secret of a credential' })
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
