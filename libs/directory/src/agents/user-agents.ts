// Agents that are pushed as users: one agent on its own stream, whose sealed user is what its identity provider sees.
import { streams, type EventData, type OwnerRef, type RequestContext } from '@app/events';
import { contextOf, Decisions, newEvent, type Decision } from '@app/event-log';
import { Clock } from '@app/runtime';
import { enterpriseUserSchema } from '@app/scim';
import { Vault } from '@app/vault';
import { Injectable } from '@nestjs/common';
import { NotFound, RevisionMismatch } from '../directory.errors.js';
import { isWithin, withoutExternalId, type Scope } from '../scope.js';
import type { Attributes, ChangeUser, DeleteUser, StoredUser, UserWrite, Written } from '../user.commands.js';
import { openAttributes, sealAttributes, type Seal } from '../users/sealed-attributes.js';
import { UserNames } from '../users/user-name.js';
import { storedUser, type SealedResource } from '../users/user.js';
import { KnownIds } from '../view/known-ids.js';
import { agentAggregate, changeAgent, ownersOf, type Agent, type AgentUser } from './agent.js';

/** Recorded with a deactivation. */
const REASON = 'deactivated as a user';

interface Outcome {
  readonly attributes: Attributes;
  /** The name it had before, when it has another one now. */
  readonly formerName?: string;
}

type Present = Agent & { readonly user: AgentUser };

/** @throws NotFound, RevisionMismatch */
function mustBe(scope: Scope, agent: Agent, at: bigint | undefined, expected: bigint | undefined): Present {
  const isThere = agent.status === 'present' && agent.user !== undefined && isWithin(scope, agent.connection);
  if (!isThere || at === undefined) throw new NotFound('no such user');
  if (expected !== undefined && expected !== at) throw new RevisionMismatch(at);
  return agent as Present;
}

/** The id that the manager of a user has, whoever that is. */
function managerOf(attributes: Attributes): string | undefined {
  const enterprise = attributes[enterpriseUserSchema.id] as { manager?: { value?: unknown } } | undefined;
  const value = enterprise?.manager?.value;
  return typeof value === 'string' ? value : undefined;
}

@Injectable()
export class UserAgents {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly known: KnownIds,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /** The first event of an agent, whose owner is its manager, or else the connection that pushes it. */
  async provisioned(
    context: RequestContext,
    agentId: string,
    { attributes, active }: UserWrite,
    user: NonNullable<EventData['AgentProvisioned']['user']>,
  ) {
    const manager = await this.managing(context, attributes);
    const connection: OwnerRef[] =
      context.connection === undefined ? [] : [{ type: 'Connection', id: context.connection }];
    const data = {
      agentId,
      name: agentId,
      active,
      owners: manager.length > 0 ? manager : connection,
      resource: {},
      user,
    };
    return newEvent('AgentProvisioned', data, contextOf(context, this.clock.iso()));
  }

  /** @throws NotFound, NameTaken, RevisionMismatch, and what `change` throws */
  async change(command: ChangeUser): Promise<Written<StoredUser>> {
    const { context, userId } = command;
    const stream = streams.agent(context.tenant, userId);
    const { state, revision, position, appended, result } = await this.names.retryLostClaims(stream, () =>
      this.decisions.execute(stream, agentAggregate, (agent, at) => this.decide(command, agent, at)),
    );
    if (result.formerName !== undefined) await this.names.release(context, result.formerName, userId);
    return { resource: storedUser(userId, state, result.attributes, revision as bigint), changed: appended, position };
  }

  /** @throws NotFound, RevisionMismatch */
  async remove({ context, userId, expected }: DeleteUser): Promise<{ position: bigint }> {
    const stream = streams.agent(context.tenant, userId);
    const { result, position } = await this.decisions.execute(stream, agentAggregate, (agent, at) => {
      const { user } = mustBe(context, agent, at, expected);
      const deleted = newEvent('AgentDeleted', { agentId: userId }, contextOf(context, this.clock.iso()));
      return { events: [deleted], result: user.userNameHash };
    });
    await this.names.release(context, result, userId);
    return { position: position as bigint };
  }

  private async decide(command: ChangeUser, agent: Agent, at: bigint | undefined): Promise<Decision<Outcome>> {
    const { context, userId, change, expected } = command;
    const { user } = mustBe(context, agent, at, expected);
    const seal = { tenant: context.tenant, userId, dataKeyId: user.dataKeyId };
    const opened = await openAttributes(this.vault, { ...seal, eventType: user.sealedBy }, user.sealed);
    if (opened === undefined) throw new NotFound('no such user');
    const attributes = user.isHandedOver ? withoutExternalId(opened) : opened;
    const write = change(storedUser(userId, agent, attributes, at as bigint));
    if (write === undefined) return { events: [], result: { attributes } };
    const owners = await this.ownersAfter(context, agent, attributes, write.attributes);
    const sealed =
      write.changed.length === 0 ? undefined : await this.seal({ ...seal, eventType: 'AgentChanged' }, write);
    const wanted = { name: agent.name, active: write.active, owners, attributes: {}, user: sealed };
    const events = changeAgent(agent, userId, wanted, REASON, contextOf(context, this.clock.iso()));
    if (sealed === undefined) return { events, result: { attributes } };
    if (sealed.userNameHash === user.userNameHash) return { events, result: { attributes: write.attributes } };
    const claim = await this.names.claim(context, sealed.userNameHash, userId);
    const result = { attributes: write.attributes, formerName: user.userNameHash };
    return { events, alsoFirst: [claim], result };
  }

  private async seal(seal: Seal, { attributes, changed }: UserWrite): Promise<SealedResource> {
    const userNameHash = this.names.hashOf(seal.tenant, attributes.userName);
    return { userNameHash, sealed: await sealAttributes(this.vault, seal, attributes), changed };
  }

  /** The manager takes the place of the one before, and of the connection. Whom the platform named stays. */
  private async ownersAfter(scope: Scope, agent: Agent, before: Attributes, after: Attributes): Promise<OwnerRef[]> {
    const [former, next] = [managerOf(before), managerOf(after)];
    const owners = ownersOf(agent);
    // Whoever manages it may have been pushed after it.
    if (former === next && !owners.some(({ type }) => type === 'Connection')) return owners;
    const manager = await this.managing(scope, after);
    const kept = owners.filter(
      ({ id, type }) => id !== former && id !== next && (type !== 'Connection' || manager.length === 0),
    );
    return [...kept, ...manager];
  }

  /** The manager, if that is a person whom this connection provisioned. */
  private async managing(scope: Scope, attributes: Attributes): Promise<OwnerRef[]> {
    const id = managerOf(attributes);
    return id !== undefined && (await this.known.isPerson(scope, id)) ? [{ type: 'User', id }] : [];
  }
}
