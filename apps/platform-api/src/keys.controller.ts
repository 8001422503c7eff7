// Keys: what opens this API and the operators' one.
import { IssueApiKey, RevokeApiKey } from '@app/directory';
import type { RequestContext } from '@app/events';
import { Context } from '@app/http';
import { Body, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation } from '@nestjs/swagger';
import { KeyRequest, TokenAnswer } from './connections.dto.js';
import { ShownOnce } from './idempotency.js';
import { OperatorController, TakesIdempotencyKey } from './platform-route.js';
import { Writes } from './writes.js';

@OperatorController('keys')
export class KeysController {
  constructor(private readonly writes: Writes) {}

  @Post()
  @ShownOnce()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Issue an API key' })
  @ApiCreatedResponse({ type: TokenAnswer })
  async issue(@Context() context: RequestContext, @Body() { roles }: KeyRequest): Promise<TokenAnswer> {
    const { token, tokenId } = await this.writes.execute(new IssueApiKey(context, roles));
    return { id: tokenId, token };
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke an API key' })
  @ApiNoContentResponse()
  async revoke(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new RevokeApiKey(context, id));
  }
}
