// Agents as the platform manages them; an identity provider manages the same ones by SCIM.
import { ChangeAgent, DeleteAgent, FindAgent, ProvisionAgent, type AgentWrite, type StoredAgent } from '@app/directory';
import type { RequestContext } from '@app/events';
import { Caller, Context, type Principal } from '@app/http';
import { Body, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { AgentAnswer, ChangeAgentRequest, ProvisionAgentRequest } from './agents.dto.js';
import { idFrom, Seed } from './idempotency.js';
import { found } from './platform-problems.js';
import { PlatformController, TakesIdempotencyKey } from './platform-route.js';
import { Writes } from './writes.js';

function answerOf({ id, name, active, owners, parentId, attributes, created, lastModified }: StoredAgent): AgentAnswer {
  const { description } = attributes;
  return {
    id,
    name,
    active,
    owners,
    ...(parentId === undefined ? {} : { parentId }),
    ...(typeof description === 'string' ? { description } : {}),
    created,
    lastModified,
  };
}

/** What is not mentioned stays. */
function changed(agent: StoredAgent, { name, active, owners, description }: ChangeAgentRequest): AgentWrite {
  return {
    name: name ?? agent.name,
    active: active ?? agent.active,
    owners: owners ?? agent.owners,
    attributes: description === undefined ? agent.attributes : { ...agent.attributes, description },
    ...(agent.parentId === undefined ? {} : { parentId: agent.parentId }),
  };
}

@PlatformController('agents')
export class AgentsController {
  constructor(
    private readonly writes: Writes,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Provision an agent' })
  @ApiCreatedResponse({ type: AgentAnswer })
  async provision(
    @Context() context: RequestContext,
    @Seed() seed: string | undefined,
    @Body() { id, name, active = true, owners, parentId, description }: ProvisionAgentRequest,
  ): Promise<AgentAnswer> {
    const attributes = description === undefined ? {} : { description };
    const write = { name, active, owners, attributes, ...(parentId === undefined ? {} : { parentId }) };
    const command = new ProvisionAgent(context, write, id ?? idFrom(seed, 'agent'));
    return answerOf((await this.writes.execute(command)).resource);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One agent' })
  @ApiOkResponse({ type: AgentAnswer })
  async one(@Caller() { tenant }: Principal, @Param('id') id: string): Promise<AgentAnswer> {
    return answerOf(found(await this.queries.execute(new FindAgent(tenant, id))));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change an agent; what is not mentioned stays' })
  @ApiOkResponse({ type: AgentAnswer })
  async change(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() request: ChangeAgentRequest,
  ): Promise<AgentAnswer> {
    const command = new ChangeAgent(context, id, (agent) => changed(agent, request), request.reason);
    await this.writes.execute(command);
    // From the view: the names of one that is pushed as a user are sealed in the log.
    return answerOf(found(await this.queries.execute(new FindAgent(context.tenant, id))));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an agent; everything it holds is revoked' })
  @ApiNoContentResponse()
  async remove(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new DeleteAgent(context, id));
  }
}
