// Searches over all resource types at once, at the root of the service (RFC 7644 sections 3.4.2.1 and 3.4.3).
import type { RequestContext } from '@app/events';
import { Context, type AuthenticatedRequest } from '@app/http';
import { parseSearchRequest, type ListParameters } from '@app/scim';
import { Get, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { callOf, type ScimCall } from './call.js';
import { Cursors } from './cursors.js';
import { Endpoints } from './endpoints.js';
import { pageOf } from './pages.js';
import { send } from './scim-answer.js';
import { ScimController } from './scim-controller.js';
import { sortedTogether } from './sorted-together.js';

@ScimController()
export class SearchController {
  constructor(
    private readonly endpoints: Endpoints,
    private readonly cursors: Cursors,
  ) {}

  @Post('.search')
  async search(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const call = callOf(context, request);
    await this.answer(call, parseSearchRequest(request.body, call.dialect), reply);
  }

  @Get()
  async query(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const call = callOf(context, request);
    await this.answer(call, call.query, reply);
  }

  private async answer(call: ScimCall, parameters: ListParameters, reply: FastifyReply): Promise<void> {
    const { context } = call;
    const types = this.endpoints.all(context.tenant).map((endpoint) => endpoint.lists.among(call, parameters));
    const sources = types[0]?.query.order === undefined ? types : [sortedTogether(types)];
    send(reply, { status: 200, body: JSON.stringify(await pageOf(this.cursors, context, sources, parameters)) });
  }
}
