// Handles what is asked of users: claims the name, seals the attributes, decides on the user's own stream.
import { streams, type RequestContext } from '@app/events';
import { contextOf, Decisions, newEvent, type Decision } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { Vault } from '@app/vault';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NameTaken, NotFound, RevisionMismatch } from '../directory.errors.js';
import { isWithin, withoutExternalId, type Scope } from '../scope.js';
import { ChangeUser, DeleteUser, ProvisionUser } from '../user.commands.js';
import { agentAggregate } from '../agents/agent.js';
import { AgentRules } from '../agents/agent-rule.js';
import { UserAgents } from '../agents/user-agents.js';
import type { Attributes, StoredUser, UserWrite, Written } from '../user.commands.js';
import { openAttributes, sealAttributes } from './sealed-attributes.js';
import { UserNames } from './user-name.js';
import { changeUser, storedUser, userAggregate, type SealedResource, type User } from './user.js';

/** @throws NotFound, RevisionMismatch */
function mustBe(scope: Scope, user: User, revision: bigint | undefined, expected: bigint | undefined): bigint {
  const isThere = user.status === 'present' && isWithin(scope, user.connection);
  if (!isThere || revision === undefined) throw new NotFound('no such user');
  if (expected !== undefined && expected !== revision) throw new RevisionMismatch(revision);
  return revision;
}

@CommandHandler(ProvisionUser)
export class ProvisionUserHandler implements ICommandHandler<ProvisionUser> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly vault: Vault,
    private readonly clock: Clock,
    private readonly agents: UserAgents,
    private readonly agentRules: AgentRules,
  ) {}

  async execute({ context, write, agentWhen }: ProvisionUser): Promise<Written<StoredUser>> {
    const { tenant } = context;
    const { attributes } = write;
    const userId = newId();
    const kind = this.agentRules.match(tenant, agentWhen, write) ? 'agent' : 'user';
    const stream = streams[kind](tenant, userId);
    const userNameHash = this.names.hashOf(tenant, attributes.userName);
    let key: { dataKeyId: string; sealed: string } | undefined;
    try {
      return await this.names.retryLostClaims(stream, async (tries) => {
        const claim = await this.names.claim(context, userNameHash, userId, tries === 1);
        key ??= await this.seal(tenant, userId, attributes, kind);
        const decision = { alsoFirst: [claim], result: undefined };
        const { state, revision, position } =
          kind === 'user'
            ? await this.decisions.begin(stream, userAggregate, {
                ...decision,
                events: [this.provisioned(context, userId, write, { ...key, userNameHash })],
              })
            : await this.decisions.begin(stream, agentAggregate, {
                ...decision,
                events: [await this.agents.provisioned(context, userId, write, { ...key, userNameHash })],
              });
        return { resource: storedUser(userId, state, attributes, revision as bigint), changed: true, position };
      });
    } catch (error) {
      // Only here is it certain that no event names the key.
      if (error instanceof NameTaken && key !== undefined) await this.vault.eraseDataKey(key.dataKeyId);
      throw error;
    }
  }

  private provisioned(
    context: RequestContext,
    userId: string,
    { active }: UserWrite,
    sealed: { dataKeyId: string; sealed: string; userNameHash: string },
  ) {
    return newEvent('UserProvisioned', { userId, active, ...sealed }, contextOf(context, this.clock.iso()));
  }

  private async seal(tenant: string, userId: string, attributes: Attributes, kind: 'user' | 'agent') {
    const dataKeyId = await this.vault.newDataKey();
    const eventType = kind === 'user' ? 'UserProvisioned' : 'AgentProvisioned';
    const seal = { tenant, userId, dataKeyId, eventType } as const;
    return { dataKeyId, sealed: await sealAttributes(this.vault, seal, attributes) };
  }
}

interface Outcome {
  readonly attributes: Attributes;
  /** The name the user had before, when it has another one now. */
  readonly formerName?: string;
}

@CommandHandler(ChangeUser)
export class ChangeUserHandler implements ICommandHandler<ChangeUser> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly vault: Vault,
    private readonly clock: Clock,
    private readonly agents: UserAgents,
  ) {}

  async execute(command: ChangeUser): Promise<Written<StoredUser>> {
    const { context, userId } = command;
    const stream = streams.user(context.tenant, userId);
    const { state, revision, position, appended, result } = await this.names.retryLostClaims(stream, () =>
      this.decisions.execute(stream, userAggregate, (user, at) => this.decide(command, user, at)),
    );
    if (result === undefined) return this.agents.change(command);
    if (result.formerName !== undefined) await this.names.release(context, result.formerName, userId);
    return { resource: storedUser(userId, state, result.attributes, revision as bigint), changed: appended, position };
  }

  /** Of nobody when there is no such user, but maybe an agent. */
  private async decide(
    command: ChangeUser,
    user: User,
    at: bigint | undefined,
  ): Promise<Decision<Outcome | undefined>> {
    if (user.status === 'none') return { events: [], result: undefined };
    const { context, userId, change, expected } = command;
    const revision = mustBe(context, user, at, expected);
    const { dataKeyId, sealed, sealedBy } = user;
    const seal = { tenant: context.tenant, userId, dataKeyId, eventType: sealedBy };
    const opened = await openAttributes(this.vault, seal, sealed);
    if (opened === undefined) throw new NotFound('no such user');
    const attributes = user.isHandedOver ? withoutExternalId(opened) : opened;
    const write = change(storedUser(userId, user, attributes, revision));
    if (write === undefined) return { events: [], result: { attributes } };
    const resource = write.changed.length === 0 ? undefined : await this.seal(context, userId, user, write);
    const events = changeUser(user, userId, { active: write.active, resource }, contextOf(context, this.clock.iso()));
    if (resource === undefined) return { events, result: { attributes } };
    if (resource.userNameHash === user.userNameHash) return { events, result: { attributes: write.attributes } };
    const claim = await this.names.claim(context, resource.userNameHash, userId);
    return { events, alsoFirst: [claim], result: { attributes: write.attributes, formerName: user.userNameHash } };
  }

  private async seal(context: RequestContext, userId: string, user: User, write: UserWrite): Promise<SealedResource> {
    const { tenant } = context;
    const { dataKeyId } = user;
    const seal = { tenant, userId, dataKeyId, eventType: 'UserChanged' } as const;
    return {
      userNameHash: this.names.hashOf(tenant, write.attributes.userName),
      sealed: await sealAttributes(this.vault, seal, write.attributes),
      changed: write.changed,
    };
  }
}

/** The data key is erased by the view when it applies the deletion: from the log, so that a crash cannot skip it. */
@CommandHandler(DeleteUser)
export class DeleteUserHandler implements ICommandHandler<DeleteUser> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly clock: Clock,
    private readonly agents: UserAgents,
  ) {}

  async execute(command: DeleteUser): Promise<{ position: bigint }> {
    const { context, userId, expected } = command;
    const stream = streams.user(context.tenant, userId);
    const { result, position } = await this.decisions.execute(stream, userAggregate, (user, revision) => {
      if (user.status === 'none') return { events: [], result: undefined };
      mustBe(context, user, revision, expected);
      const { userNameHash } = user;
      const deleted = newEvent('UserDeleted', { userId, userNameHash }, contextOf(context, this.clock.iso()));
      return { events: [deleted], result: userNameHash };
    });
    if (result === undefined) return this.agents.remove(command);
    await this.names.release(context, result, userId);
    return { position: position as bigint };
  }
}
