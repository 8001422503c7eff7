// Handles what is asked of agents: owners and parent must exist; decided on the agent's own stream.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChangeAgent, DeleteAgent, ProvisionAgent, type StoredAgent } from '../agent.commands.js';
import { AlreadyExists, NotFound, ParentIsFixed, RevisionMismatch } from '../directory.errors.js';
import { isWithin, type Scope } from '../scope.js';
import type { Written } from '../user.commands.js';
import { KnownIds } from '../view/known-ids.js';
import {
  agentAggregate,
  changeAgent,
  newApplications,
  newOwners,
  provisionAgent,
  storedAgent,
  type Agent,
} from './agent.js';

/** Recorded with a deactivation that nobody gave a reason for. */
const NO_REASON = 'requested';

/** @throws NotFound, RevisionMismatch */
function mustBe(scope: Scope, agent: Agent, revision: bigint | undefined, expected: bigint | undefined): bigint {
  const isThere = agent.status === 'present' && isWithin(scope, agent.connection);
  if (!isThere || revision === undefined) throw new NotFound('no such agent');
  if (expected !== undefined && expected !== revision) throw new RevisionMismatch(revision);
  return revision;
}

@CommandHandler(ProvisionAgent)
export class ProvisionAgentHandler implements ICommandHandler<ProvisionAgent> {
  constructor(
    private readonly decisions: Decisions,
    private readonly known: KnownIds,
    private readonly clock: Clock,
  ) {}

  async execute({ context, write, agentId = newId() }: ProvisionAgent): Promise<Written<StoredAgent>> {
    const { tenant } = context;
    const stream = streams.agent(tenant, agentId);
    const { state, revision, position } = await this.decisions.execute(stream, agentAggregate, async (agent) => {
      if (agent.status !== 'none') throw new AlreadyExists('an agent of this tenant has or had this id');
      await this.known.mustBeOwners(context, write.owners);
      if (write.parentId !== undefined) await this.known.mustBeAgent(context, write.parentId);
      await this.known.mustBeApplications(context, write.applicationIds ?? []);
      return { events: [provisionAgent(agentId, write, contextOf(context, this.clock.iso()))], result: undefined };
    });
    return { resource: storedAgent(agentId, state, revision as bigint), changed: true, position };
  }
}

@CommandHandler(ChangeAgent)
export class ChangeAgentHandler implements ICommandHandler<ChangeAgent> {
  constructor(
    private readonly decisions: Decisions,
    private readonly known: KnownIds,
    private readonly clock: Clock,
  ) {}

  async execute({ context, agentId, change, reason, expected }: ChangeAgent): Promise<Written<StoredAgent>> {
    const stream = streams.agent(context.tenant, agentId);
    const decided = await this.decisions.execute(stream, agentAggregate, async (agent, at) => {
      const revision = mustBe(context, agent, at, expected);
      const write = change(storedAgent(agentId, agent, revision));
      if (write === undefined) return { events: [], result: undefined };
      if (write.parentId !== agent.parentId) throw new ParentIsFixed('the parent of an agent cannot be changed');
      await this.known.mustBeOwners(context, newOwners(agent, write));
      await this.known.mustBeApplications(context, newApplications(agent, write));
      const decidedAt = contextOf(context, this.clock.iso());
      return { events: changeAgent(agent, agentId, write, reason ?? NO_REASON, decidedAt), result: undefined };
    });
    const { state, revision, appended, position } = decided;
    return { resource: storedAgent(agentId, state, revision as bigint), changed: appended, position };
  }
}

@CommandHandler(DeleteAgent)
export class DeleteAgentHandler implements ICommandHandler<DeleteAgent> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, agentId, expected }: DeleteAgent): Promise<{ position: bigint }> {
    const stream = streams.agent(context.tenant, agentId);
    const { position } = await this.decisions.execute(stream, agentAggregate, (agent, revision) => {
      mustBe(context, agent, revision, expected);
      return {
        events: [newEvent('AgentDeleted', { agentId }, contextOf(context, this.clock.iso()))],
        result: undefined,
      };
    });
    return { position: position as bigint };
  }
}
