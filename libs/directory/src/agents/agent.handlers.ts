// Handles what is asked of agents: owners and parent must exist; decided on the agent's own stream.
import { streams, type RequestContext } from '@app/events';
import { contextOf, Decisions, newEvent, type Decision } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChangeAgent, DeleteAgent, ProvisionAgent, type AgentWrite, type StoredAgent } from '../agent.commands.js';
import { AlreadyExists, DescribedAsUser, NotFound, ParentIsFixed, RevisionMismatch } from '../directory.errors.js';
import type { Scope } from '../scope.js';
import type { Written } from '../user.commands.js';
import { UserNames } from '../users/user-name.js';
import { KnownIds } from '../view/known-ids.js';
import {
  agentAggregate,
  changeAgent,
  changedNames,
  isSeenBy,
  namedApplication,
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
  if (!isSeenBy(scope, agent) || revision === undefined) throw new NotFound('no such agent');
  if (expected !== undefined && expected !== revision) throw new RevisionMismatch(revision);
  return revision;
}

/** As it was sent, but in the application whose id it names, if the scope has it; and no more in the one it named before. */
async function belonging(known: KnownIds, scope: Scope, agent: Agent, write: AgentWrite): Promise<AgentWrite> {
  const [before, after] = [namedApplication(agent.resource), namedApplication(write.attributes)];
  if (before === undefined && after === undefined) return write;
  const { applicationIds = agent.applicationIds } = write;
  const ids = new Set(applicationIds.filter((id) => id === after || id !== before));
  const isThere =
    after !== undefined && (agent.applicationIds.includes(after) || (await known.isApplication(scope, after)));
  if (isThere) ids.add(after);
  return { ...write, applicationIds: [...ids] };
}

@CommandHandler(ProvisionAgent)
export class ProvisionAgentHandler implements ICommandHandler<ProvisionAgent> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly known: KnownIds,
    private readonly clock: Clock,
  ) {}

  async execute({ context, write, agentId = newId() }: ProvisionAgent): Promise<Written<StoredAgent>> {
    const stream = streams.agent(context.tenant, agentId);
    const { state, revision, position } = await this.names.retryLostClaims(stream, () =>
      this.decisions.execute(stream, agentAggregate, (agent) => this.decide(context, agent, agentId, write)),
    );
    return { resource: storedAgent(agentId, state, revision as bigint), changed: true, position };
  }

  private async decide(
    context: RequestContext,
    agent: Agent,
    agentId: string,
    sent: AgentWrite,
  ): Promise<Decision<undefined>> {
    const { tenant } = context;
    // An id is one thing only: an agent of a user's id would be taken for a user that is an agent.
    if (agent.status !== 'none' || (await this.known.isTaken(tenant, agentId))) {
      throw new AlreadyExists('somebody of this tenant has or had this id');
    }
    const write = await belonging(this.known, context, agent, sent);
    await this.known.mustBeOwners(context, write.owners);
    if (write.parentId !== undefined) await this.known.mustBeAgents(context, [write.parentId]);
    await this.known.mustBeApplications(context, write.applicationIds ?? []);
    const events = [provisionAgent(agentId, write, contextOf(context, this.clock.iso()))];
    if (write.nameIsUnique !== true) return { events, result: undefined };
    const claim = await this.names.claim(context, this.names.hashOfName(tenant, 'Agent', write.name), agentId);
    return { events, alsoFirst: [claim], result: undefined };
  }
}

@CommandHandler(ChangeAgent)
export class ChangeAgentHandler implements ICommandHandler<ChangeAgent> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly known: KnownIds,
    private readonly clock: Clock,
  ) {}

  async execute(command: ChangeAgent): Promise<Written<StoredAgent>> {
    const { context, agentId } = command;
    const stream = streams.agent(context.tenant, agentId);
    const decided = await this.names.retryLostClaims(stream, () =>
      this.decisions.execute(stream, agentAggregate, (agent, at) => this.decide(command, agent, at)),
    );
    const { state, revision, appended, position, result: formerName } = decided;
    if (formerName !== undefined) await this.names.release(context, formerName, agentId);
    return { resource: storedAgent(agentId, state, revision as bigint), changed: appended, position };
  }

  /** The result is the hash of the name it had before, when it has another one now. */
  private async decide(
    { context, agentId, change, reason, expected }: ChangeAgent,
    agent: Agent,
    at: bigint | undefined,
  ): Promise<Decision<string | undefined>> {
    const sent = change(storedAgent(agentId, agent, mustBe(context, agent, at, expected)));
    if (sent === undefined) return { events: [], result: undefined };
    const write = await belonging(this.known, context, agent, sent);
    if (agent.user !== undefined && changedNames(agent, write).length > 0) {
      throw new DescribedAsUser('the agent is described by its identity provider');
    }
    if (write.parentId !== agent.parentId) throw new ParentIsFixed('the parent of an agent cannot be changed');
    await this.known.mustBeOwners(context, newOwners(agent, write));
    await this.known.mustBeApplications(context, newApplications(agent, write));
    const events = changeAgent(agent, agentId, write, reason ?? NO_REASON, contextOf(context, this.clock.iso()));
    const hashOf = (name: string) => this.names.hashOfName(context.tenant, 'Agent', name);
    const [before, after] = [hashOf(agent.name), hashOf(write.name)];
    if (before === after) return { events, result: undefined };
    const claims = write.nameIsUnique === true ? [await this.names.claim(context, after, agentId)] : [];
    return { events, alsoFirst: claims, result: before };
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
        result: agent.user?.userNameHash ?? this.names.hashOfName(context.tenant, 'Agent', agent.name),
      };
    });
    await this.names.release(context, result, agentId);
    return { position: position as bigint };
  }
}
