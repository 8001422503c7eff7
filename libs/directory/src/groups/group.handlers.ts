// Handles what is asked of groups: finds out what new members are and decides on the group's own stream.
import { streams, type RequestContext } from '@app/events';
import { contextOf, Decisions, newEvent, type Decided } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotFound, RevisionMismatch } from '../directory.errors.js';
import { ChangeGroup, CreateGroup, DeleteGroup, type GroupWrite, type StoredGroup } from '../group.commands.js';
import { isWithin, type Scope } from '../scope.js';
import type { Written } from '../user.commands.js';
import { KnownIds } from '../view/known-ids.js';
import { changeGroup, createGroup, groupAggregate, membersOf, type Group } from './group.js';

const storedGroup = (id: string, group: Group, revision: bigint): StoredGroup => ({
  id,
  attributes: group.resource,
  created: group.created,
  lastModified: group.lastModified,
  revision,
});

/** @throws NotFound, RevisionMismatch */
function mustBe(scope: Scope, group: Group, revision: bigint | undefined, expected: bigint | undefined): bigint {
  const isThere = group.status === 'present' && isWithin(scope, group.connection);
  if (!isThere || revision === undefined) throw new NotFound('no such group');
  if (expected !== undefined && expected !== revision) throw new RevisionMismatch(revision);
  return revision;
}

const NO_WRITE: GroupWrite = { attributes: {}, changed: [], added: [], removed: [] };

/** Writes to a group by steps that each fit into one append of the log. */
@Injectable()
export class GroupDecisions {
  constructor(
    private readonly decisions: Decisions,
    private readonly known: KnownIds,
    private readonly clock: Clock,
  ) {}

  async change({ context, groupId, change, expected }: ChangeGroup): Promise<Written<StoredGroup>> {
    let asked = NO_WRITE;
    const first = await this.step(context, groupId, (group, at) => {
      const revision = mustBe(context, group, at, expected);
      asked = change(storedGroup(groupId, group, revision), membersOf(group)) ?? NO_WRITE;
      return asked;
    });
    if (!first.result) return this.written(groupId, first, first.position);
    return this.goOn(context, groupId, { ...asked, changed: [], confirm: undefined }, first.position);
  }

  async create({ context, write }: CreateGroup): Promise<Written<StoredGroup>> {
    const groupId = newId();
    const members = { attributes: write.attributes, changed: [], added: write.added, removed: [] };
    const refs = await this.known.members(context, unique(write.added));
    write.confirm?.(refs);
    const created = await this.decisions.execute(streams.group(context.tenant, groupId), groupAggregate, (group) => {
      const at = contextOf(context, this.clock.iso());
      const { events, rest } = changeGroup(group, groupId, { ...members, added: refs }, at);
      return { events: [createGroup(groupId, write.attributes, at), ...events], result: rest };
    });
    if (!created.result) return this.written(groupId, created, created.position);
    return this.goOn(context, groupId, members, created.position);
  }

  /** What did not fit into the first append follows; what others change in between stays. */
  private async goOn(
    context: RequestContext,
    groupId: string,
    write: GroupWrite,
    since: bigint | undefined,
  ): Promise<Written<StoredGroup>> {
    for (let position = since; ;) {
      const step = await this.step(context, groupId, (group, at) => {
        mustBe(context, group, at, undefined);
        return write;
      });
      position = step.position ?? position;
      if (!step.result) return this.written(groupId, step, position);
    }
  }

  /** @returns as result whether there is more to write */
  private step(
    request: RequestContext,
    groupId: string,
    writeFor: (group: Group, revision: bigint | undefined) => GroupWrite,
  ): Promise<Decided<Group, boolean>> {
    return this.decisions.execute(streams.group(request.tenant, groupId), groupAggregate, async (group, revision) => {
      const write = writeFor(group, revision);
      const added = await this.known.members(
        request,
        unique(write.added).filter((id) => !group.members.has(id)),
      );
      write.confirm?.(added);
      const context = contextOf(request, this.clock.iso());
      const { events, rest } = changeGroup(group, groupId, { ...write, added }, context);
      return { events, result: rest };
    });
  }

  private written(groupId: string, { state, revision }: Decided<Group, unknown>, position: bigint | undefined) {
    return { resource: storedGroup(groupId, state, revision as bigint), changed: position !== undefined, position };
  }
}

const unique = (ids: readonly string[]): string[] => [...new Set(ids)];

@CommandHandler(CreateGroup)
export class CreateGroupHandler implements ICommandHandler<CreateGroup> {
  constructor(private readonly groups: GroupDecisions) {}

  execute(command: CreateGroup): Promise<Written<StoredGroup>> {
    return this.groups.create(command);
  }
}

@CommandHandler(ChangeGroup)
export class ChangeGroupHandler implements ICommandHandler<ChangeGroup> {
  constructor(private readonly groups: GroupDecisions) {}

  execute(command: ChangeGroup): Promise<Written<StoredGroup>> {
    return this.groups.change(command);
  }
}

@CommandHandler(DeleteGroup)
export class DeleteGroupHandler implements ICommandHandler<DeleteGroup> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, groupId, expected }: DeleteGroup): Promise<{ position: bigint }> {
    const stream = streams.group(context.tenant, groupId);
    const { position } = await this.decisions.execute(stream, groupAggregate, (group, revision) => {
      mustBe(context, group, revision, expected);
      return {
        events: [newEvent('GroupDeleted', { groupId }, contextOf(context, this.clock.iso()))],
        result: undefined,
      };
    });
    return { position: position as bigint };
  }
}
