// Bulk requests: each operation goes the way it would have gone by itself (RFC 7644 section 3.7).
import type { RequestContext } from '@app/events';
import { Context, type AuthenticatedRequest } from '@app/http';
import { parseBulkRequest, runBulk, ScimError, type BulkOperation, type BulkOutcome } from '@app/scim';
import { Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { callOf, type ScimCall } from './call.js';
import type { Endpoint } from './endpoint.js';
import { Endpoints } from './endpoints.js';
import { send, type ScimAnswer } from './scim-answer.js';
import { ScimController } from './scim-controller.js';

@ScimController()
export class BulkController {
  constructor(private readonly endpoints: Endpoints) {}

  @Post('Bulk')
  async bulk(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const call = callOf(context, request);
    const answer = await runBulk(parseBulkRequest(request.body, call.dialect), {
      execute: (operation) => this.run(call, operation),
      typeAt: (path) => this.at(context, path)?.typeOf(context.tenant),
      locate: (path) => this.at(context, path)?.locationOf(context.tenant, path.split('/')[2] ?? ''),
    });
    send(reply, { status: 200, body: JSON.stringify(answer) });
  }

  /** The endpoint of a path such as `/Users` or `/Users/<id>`. */
  private at({ tenant }: RequestContext, path: string): Endpoint | undefined {
    return this.endpoints.byName(tenant, path.split('/')[1] ?? '');
  }

  private async run(bulk: ScimCall, operation: BulkOperation): Promise<BulkOutcome> {
    const { path, version } = operation;
    const endpoint = this.at(bulk.context, path);
    if (endpoint === undefined) throw ScimError.notFound('There is no such endpoint.');
    const call: ScimCall = { ...bulk, asked: '', query: {}, ifMatch: version, ifNoneMatch: undefined };
    const { status, id: written, location, etag } = await execute(endpoint, call, operation);
    return {
      status,
      ...(written === undefined ? {} : { id: written }),
      ...(location === undefined ? {} : { location }),
      ...(etag === undefined ? {} : { version: etag }),
    };
  }
}

function execute(endpoint: Endpoint, call: ScimCall, { method, path, data }: BulkOperation): Promise<ScimAnswer> {
  const id = path.split('/')[2] ?? '';
  switch (method) {
    case 'POST':
      return endpoint.create(call, data);
    case 'PUT':
      return endpoint.replace(call, id, data);
    case 'PATCH':
      return endpoint.patch(call, id, data);
    case 'DELETE':
      return endpoint.remove(call, id);
  }
}
