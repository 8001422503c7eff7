// Handles what is asked of agents: owners and parent must exist; decided on the agent's own stream.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChangeAgent, DeleteAgent, ProvisionAgent, type StoredAgent } from '../agent.commands.js';
import { AlreadyExists, DescribedAsUser, NotFound, ParentIsFixed, RevisionMismatch } from '../directory.errors.js';
import { isWithin, type Scope } from '../scope.js';
import type { Written } from '../user.commands.js';
import { UserNames } from '../users/user-name.js';
import { KnownIds } from '../view/known-ids.js';
import {
  agentAggregate,
  changeAgent,
  changedNames,
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
  // To its own connection, what is pushed as a user is a user.
  const isSeen = agent.user === undefined || scope.connection === undefined;
  const isThere = agent.status === 'present' && isSeen && isWithin(scope, agent.connection);
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
      // An id is one thing only: an agent of a user's id would be taken for a user that is an agent.
      if (agent.status !== 'none' || (await this.known.isTaken(tenant, agentId))) {
        throw new AlreadyExists('somebody of this tenant has or had this id');
      }
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
      if (agent.user !== undefined && changedNames(agent, write).length > 0) {
        throw new DescribedAsUser('the agent is described by its identity provider');
      }
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
    private readonly names: UserNames,
    private readonly clock: Clock,
  ) {}

  async execute({ context, agentId, expected }: DeleteAgent): Promise<{ position: bigint }> {
    const stream = streams.agent(context.tenant, agentId);
    const { result, position } = await this.decisions.execute(stream, agentAggregate, (agent, revision) => {
      mustBe(context, agent, revision, expected);
      return {
        events: [newEvent('AgentDeleted', { agentId }, contextOf(context, this.clock.iso()))],
        result: agent.user?.userNameHash,
      };
    });
    if (result !== undefined) await this.names.release(context, result, agentId);
    return { position: position as bigint };
  }
}
