// The routes of a resource type: each hands the request to the endpoint and sends what comes back.
import { Context, type AuthenticatedRequest } from '@app/http';
import type { RequestContext } from '@app/events';
import { Delete, Get, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { callOf, idOf } from './call.js';
import type { Endpoint } from './endpoint.js';
import { Endpoints } from './endpoints.js';
import { send } from './scim-answer.js';
import { ScimController } from './scim-controller.js';

export abstract class ResourceController {
  constructor(private readonly endpoint: Endpoint) {}

  @Get()
  async list(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.endpoint.lists.list(callOf(context, request)));
  }

  @Post('.search')
  async search(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.endpoint.lists.search(callOf(context, request), request.body));
  }

  @Post()
  async create(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.endpoint.create(callOf(context, request), request.body));
  }

  @Get(':id')
  async get(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.endpoint.get(callOf(context, request), idOf(request)));
  }

  @Put(':id')
  async replace(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.endpoint.replace(callOf(context, request), idOf(request), request.body));
  }

  @Patch(':id')
  async patch(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.endpoint.patch(callOf(context, request), idOf(request), request.body));
  }

  @Delete(':id')
  async remove(
    @Context() context: RequestContext,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.endpoint.remove(callOf(context, request), idOf(request)));
  }
}

@ScimController('Users')
export class UsersController extends ResourceController {
  constructor(endpoints: Endpoints) {
    super(endpoints.users);
  }
}

@ScimController('Groups')
export class GroupsController extends ResourceController {
  constructor(endpoints: Endpoints) {
    super(endpoints.groups);
  }
}

@ScimController('Agents')
export class AgentsController extends ResourceController {
  constructor(endpoints: Endpoints) {
    super(endpoints.agents);
  }
}

@ScimController('AgenticIdentities')
export class IdentitiesController extends ResourceController {
  constructor(endpoints: Endpoints) {
    super(endpoints.identities);
  }
}

@ScimController('AgenticApplications')
export class ApplicationsController extends ResourceController {
  constructor(endpoints: Endpoints) {
    super(endpoints.applications);
  }
}
