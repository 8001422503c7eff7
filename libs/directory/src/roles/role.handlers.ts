// Handles what is asked of roles: defines them, and gives and takes them by hand.
import { createHash } from 'node:crypto';
import { streams, type EventData, type RequestContext } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock } from '@app/runtime';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InvalidPolicy, NotFound, RoleIsComputed, RoleIsGiven, UnknownMembers } from '../directory.errors.js';
import {
  CONDITION_ID,
  DefineCondition,
  DefineRole,
  DeleteRole,
  GrantRole,
  MAX_ROLES,
  ROLE_ID,
  WithdrawRole,
} from '../role.commands.js';
import { KnownIds } from '../view/known-ids.js';
import { Conditions } from './conditions.js';
import { MANUAL, sourcesOf } from './membership.js';
import { rolesAggregate, type Role, type Roles } from './roles.js';

@Injectable()
export class RoleDecisions {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async define(
    context: RequestContext,
    definition: EventData['RoleDefined'],
  ): Promise<{ position: bigint | undefined }> {
    const { roleId, name, kind, condition } = definition;
    const { position } = await this.decisions.execute(streams.roles(context.tenant), rolesAggregate, ({ roles }) => {
      const before = roles.get(roleId);
      const same = before?.name === name && before.kind === kind && before.condition === condition;
      if (same) return { events: [], result: undefined };
      if (before === undefined && roles.size >= MAX_ROLES) {
        throw new InvalidPolicy(`A tenant has at most ${MAX_ROLES} roles and conditions: use one that exists.`);
      }
      const defined = newEvent('RoleDefined', definition, contextOf(context, this.clock.iso()));
      return { events: [defined], result: undefined };
    });
    return { position };
  }

  async delete(context: RequestContext, roleId: string): Promise<{ position: bigint | undefined }> {
    const { position } = await this.decisions.execute(streams.roles(context.tenant), rolesAggregate, (state) => {
      mustExist(state, roleId);
      if (state.active?.rules.some(({ role }) => role === roleId) === true) {
        throw new RoleIsGiven('the mapping in force gives the role');
      }
      const deleted = newEvent('RoleDeleted', { roleId }, contextOf(context, this.clock.iso()));
      return { events: [deleted], result: undefined };
    });
    return { position };
  }

  /** @param sourcesAfter of the sources that the user has the role by; undefined: nothing changes */
  async change(
    context: RequestContext,
    { roleId, userId }: { readonly roleId: string; readonly userId: string },
    sourcesAfter: (role: Role, before: readonly string[]) => readonly string[] | undefined,
  ): Promise<{ position: bigint | undefined }> {
    const { position } = await this.decisions.execute(streams.roles(context.tenant), rolesAggregate, (state) => {
      const role = mustExist(state, roleId);
      const kept = role.members.get(userId);
      const sources = sourcesAfter(role, kept === undefined ? [] : sourcesOf(kept));
      if (sources === undefined) return { events: [], result: undefined };
      const member = { userId, sources };
      const data = {
        roleId,
        added: kept === undefined ? [member] : [],
        changed: kept !== undefined && sources.length > 0 ? [member] : [],
        removed: sources.length === 0 ? [userId] : [],
      };
      const changed = newEvent('RoleMembershipChanged', data, contextOf(context, this.clock.iso()));
      return { events: [changed], result: undefined };
    });
    return { position };
  }
}

/** @throws NotFound */
function mustExist({ roles }: Roles, roleId: string): Role {
  const role = roles.get(roleId);
  if (role === undefined) throw new NotFound('no such role');
  return role;
}

@CommandHandler(DefineRole)
export class DefineRoleHandler implements ICommandHandler<DefineRole> {
  constructor(
    private readonly roles: RoleDecisions,
    private readonly conditions: Conditions,
  ) {}

  execute({ context, roleId, definition }: DefineRole): Promise<{ position: bigint | undefined }> {
    if (!ROLE_ID.test(roleId) || roleId.startsWith(CONDITION_ID)) {
      throw new InvalidPolicy(
        `The id of a role has 1 to 64 letters, digits, ".", "_" and "-", and does not begin with a sign or "${CONDITION_ID}".`,
      );
    }
    const { name, kind, condition } = definition;
    const normal = condition === undefined ? {} : { condition: this.conditions.normal(context.tenant, condition) };
    return this.roles.define(context, { roleId, name, kind, ...normal });
  }
}

@CommandHandler(DeleteRole)
export class DeleteRoleHandler implements ICommandHandler<DeleteRole> {
  constructor(private readonly roles: RoleDecisions) {}

  execute({ context, roleId }: DeleteRole): Promise<{ position: bigint | undefined }> {
    return this.roles.delete(context, roleId);
  }
}

@CommandHandler(DefineCondition)
export class DefineConditionHandler implements ICommandHandler<DefineCondition> {
  constructor(
    private readonly roles: RoleDecisions,
    private readonly conditions: Conditions,
  ) {}

  async execute({ context, condition }: DefineCondition): Promise<{ roleId: string; position: bigint | undefined }> {
    const normal = this.conditions.normal(context.tenant, condition);
    const hash = createHash('sha256').update(normal).digest('hex').slice(0, 32);
    const roleId = `${CONDITION_ID}${hash}`;
    const definition = { roleId, name: 'Condition', kind: 'condition', condition: normal } as const;
    const { position } = await this.roles.define(context, definition);
    return { roleId, position };
  }
}

@CommandHandler(GrantRole)
export class GrantRoleHandler implements ICommandHandler<GrantRole> {
  constructor(
    private readonly roles: RoleDecisions,
    private readonly known: KnownIds,
  ) {}

  async execute({ context, roleId, userId }: GrantRole): Promise<{ position: bigint | undefined }> {
    const [member] = await this.known.members(context, [userId]);
    if (member?.type !== 'User') throw new UnknownMembers([userId]);
    return this.roles.change(context, { roleId, userId }, ({ condition }, before) => {
      if (condition !== undefined) throw new RoleIsComputed('who has the role is decided by its condition');
      return before.includes(MANUAL) ? undefined : [...before, MANUAL].sort();
    });
  }
}

@CommandHandler(WithdrawRole)
export class WithdrawRoleHandler implements ICommandHandler<WithdrawRole> {
  constructor(private readonly roles: RoleDecisions) {}

  execute({ context, roleId, userId }: WithdrawRole): Promise<{ position: bigint | undefined }> {
    return this.roles.change(context, { roleId, userId }, (_, before) =>
      before.includes(MANUAL) ? before.filter((source) => source !== MANUAL) : undefined,
    );
  }
}
