// Handles mappings: drafts them, shows what they would change, and puts them in force.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { parseResource, ScimError } from '@app/scim';
import { CommandHandler, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { AlreadyExists, InvalidPolicy, MappingReplaced, NotFound } from '../directory.errors.js';
import { PersonTypes } from '../person-types.js';
import { ActivateMapping, DraftMapping } from '../role.commands.js';
import { DIFF_SAMPLE, DiffMapping, ListMappings, TestMapping } from '../role.queries.js';
import type { MappingDetail, MappingDiff, MappingTest, RoleDiff } from '../role.queries.js';
import type { Attributes } from '../user.commands.js';
import { KnownIds } from '../view/known-ids.js';
import { Conditions } from './conditions.js';
import { membershipChanges, triedRules, type RoleChange } from './membership.js';
import { People } from './people.js';
import { rolesAggregate } from './roles.js';
import { checkedRules, connectionsIn } from './rules.js';

@CommandHandler(DraftMapping)
export class DraftMappingHandler implements ICommandHandler<DraftMapping> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
    private readonly known: KnownIds,
  ) {}

  async execute({ context, name, rules, mappingId = newId() }: DraftMapping) {
    const stream = streams.roles(context.tenant);
    const connections = await this.known.connectionsAmong(context.tenant, connectionsIn(rules));
    const { position } = await this.decisions.execute(stream, rolesAggregate, ({ roles, mappings }) => {
      const before = mappings.get(mappingId);
      const data = { mappingId, name, rules: checkedRules(rules, { roles, connections }) };
      if (before === undefined) {
        const drafted = newEvent('MappingDrafted', data, contextOf(context, this.clock.iso()));
        return { events: [drafted], result: undefined };
      }
      const same = before.name === name && JSON.stringify(before.rules) === JSON.stringify(data.rules);
      if (!same) throw new AlreadyExists('another mapping has this id');
      return { events: [], result: undefined };
    });
    return { mappingId, position };
  }
}

@CommandHandler(ActivateMapping)
export class ActivateMappingHandler implements ICommandHandler<ActivateMapping> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  /** Who gains and who loses is recorded by the follower, which goes on after a crash. */
  async execute({ context, mappingId, insteadOf }: ActivateMapping): Promise<{ position: bigint | undefined }> {
    const stream = streams.roles(context.tenant);
    const { position } = await this.decisions.execute(stream, rolesAggregate, ({ roles, mappings, active }) => {
      const mapping = mappings.get(mappingId);
      if (mapping === undefined) throw new NotFound('no such mapping');
      if (active?.mappingId === mappingId) return { events: [], result: undefined };
      if (insteadOf !== undefined && insteadOf !== (active?.mappingId ?? null)) {
        throw new MappingReplaced('another mapping is in force than the one that was to be replaced');
      }
      checkedRules(mapping.rules, { roles });
      const activated = newEvent('MappingActivated', { mappingId }, contextOf(context, this.clock.iso()));
      return { events: [activated], result: undefined };
    });
    return { position };
  }
}

@QueryHandler(ListMappings)
export class ListMappingsHandler implements IQueryHandler<ListMappings> {
  constructor(private readonly decisions: Decisions) {}

  async execute({ tenant }: ListMappings): Promise<readonly MappingDetail[]> {
    const { state } = await this.decisions.load(streams.roles(tenant), rolesAggregate);
    return [...state.mappings.values()].map((mapping) => ({ ...mapping, active: mapping === state.active }));
  }
}

@QueryHandler(DiffMapping)
export class DiffMappingHandler implements IQueryHandler<DiffMapping> {
  constructor(
    private readonly decisions: Decisions,
    private readonly people: People,
    private readonly conditions: Conditions,
  ) {}

  async execute({ tenant, mappingId }: DiffMapping): Promise<MappingDiff | undefined> {
    const { state } = await this.decisions.load(streams.roles(tenant), rolesAggregate);
    const mapping = state.mappings.get(mappingId);
    if (mapping === undefined) return undefined;
    checkedRules(mapping.rules, state);
    const drafted = { ...state, active: mapping, conditionOf: this.conditions.recordedIn(tenant) };
    const insteadOf = state.active?.mappingId ?? null;
    const diffs = new Map<string, RoleDiff>();
    for await (const people of this.people.all(tenant)) {
      for (const change of membershipChanges(drafted, people)) {
        if (change.added.length + change.removed.length === 0) continue;
        diffs.set(change.roleId, withChange(diffs.get(change.roleId), change));
      }
    }
    return { insteadOf, roles: [...diffs.values()].sort((a, b) => (a.roleId < b.roleId ? -1 : 1)) };
  }
}

function withChange(before: RoleDiff | undefined, { roleId, added, removed }: RoleChange): RoleDiff {
  const { gainCount = 0, gains = [], losses = [] } = before ?? {};
  return {
    roleId,
    gainCount: gainCount + added.length,
    gains: [...gains, ...added].slice(0, DIFF_SAMPLE),
    losses: losses.concat(removed),
  };
}

@QueryHandler(TestMapping)
export class TestMappingHandler implements IQueryHandler<TestMapping> {
  constructor(
    private readonly decisions: Decisions,
    private readonly types: PersonTypes,
    private readonly known: KnownIds,
  ) {}

  async execute({ tenant, rules, person }: TestMapping): Promise<MappingTest> {
    const { state } = await this.decisions.load(streams.roles(tenant), rolesAggregate);
    const attributes = this.kept(tenant, person.attributes);
    const { roles } = state;
    const connections = await this.known.connectionsAmong(tenant, connectionsIn(rules));
    return triedRules(checkedRules(rules, { roles, connections }), { ...person, attributes }, roles);
  }

  /** What a lenient write would keep of these attributes. @throws InvalidPolicy */
  private kept(tenant: string, attributes: Attributes): Attributes {
    const { written } = this.types.of(tenant);
    const isNamed = Object.keys(attributes).some((name) => name.toLowerCase() === 'username');
    const body = isNamed ? attributes : { ...attributes, userName: 'somebody' };
    try {
      return parseResource(written, body).attributes;
    } catch (error) {
      if (error instanceof ScimError)
        throw new InvalidPolicy(`The attributes are not those of a user: ${error.detail}`);
      throw error;
    }
  }
}
