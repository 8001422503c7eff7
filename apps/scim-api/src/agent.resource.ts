// Agents: what a SCIM write comes to in commands of the directory, which keeps name, owners and parent apart from the attributes.
import {
  ChangeAgent,
  DeleteAgent,
  FindAgent,
  ListAgents,
  ProvisionAgent,
  type AgentWrite,
  type FoundAgent,
  type Listed,
  type Listing,
  type NamedRef,
  type Scope,
  type StoredAgent,
  type Written,
} from '@app/directory';
import type { OwnerRef, RequestContext } from '@app/events';
import { ScimError, type ParsedResource, type ScimAttributes, type ScimValue } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Compute, ScimResource } from './scim-resource.js';

@Injectable()
export class AgentResource implements ScimResource<StoredAgent, FoundAgent> {
  readonly name: string = 'Agent';
  readonly related = 'groups';
  readonly indexed: ScimResource<StoredAgent, FoundAgent>['indexed'] = {
    id: 'id',
    agentUserName: 'userName',
    externalId: 'externalId',
    displayName: 'displayName',
  };
  readonly terse = false;
  /** Whether the draft has names that nobody else may have. */
  protected readonly namesAreUnique: boolean = true;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  find({ tenant, connection }: Scope, id: string): Promise<FoundAgent | undefined> {
    return this.queries.execute(new FindAgent(tenant, id, connection));
  }

  list({ tenant, connection }: Scope, listing: Listing<FoundAgent>): Promise<Listed<FoundAgent>> {
    return this.queries.execute(new ListAgents(tenant, listing, connection));
  }

  async create(context: RequestContext, { attributes }: ParsedResource): Promise<Written<StoredAgent>> {
    const write = writeOf(attributes, []);
    const owners = write.owners.length > 0 ? write.owners : withoutOwners(context);
    return this.commands.execute(new ProvisionAgent(context, { ...write, owners, nameIsUnique: this.namesAreUnique }));
  }

  /** The last owner may be taken away: that suspends the agent. */
  change(
    context: RequestContext,
    id: string,
    compute: Compute,
    expected: bigint | undefined,
  ): Promise<Written<StoredAgent>> {
    const change = (current: StoredAgent): AgentWrite | undefined => {
      const { noop, next } = compute(this.attributesOf(current), undefined);
      return noop ? undefined : { ...writeOf(next, current.owners), nameIsUnique: this.namesAreUnique };
    };
    return this.commands.execute(new ChangeAgent(context, id, change, undefined, expected));
  }

  remove(context: RequestContext, id: string, expected: bigint | undefined): Promise<{ readonly position: bigint }> {
    return this.commands.execute(new DeleteAgent(context, id, expected));
  }

  attributesOf({ attributes, name, active, owners: all, parentId, applicationIds = [] }: StoredAgent): ScimAttributes {
    // The connection is nobody to itself.
    const owners = all.filter(({ type }) => type !== 'Connection');
    return {
      ...(attributes as ScimAttributes),
      agentUserName: name,
      active,
      ...(owners.length === 0 ? {} : { owners: owners.map(({ id, type }) => ({ value: id, type })) }),
      ...(parentId === undefined ? {} : { parent: { value: parentId } }),
      ...(applicationIds.length === 0 ? {} : { applications: applicationIds.map((value) => ({ value })) }),
    };
  }

  /** Groups have users and groups as members, never agents. */
  relatedOf(): readonly NamedRef[] {
    return [];
  }
}

/** Where the schema does not ask for owners the connection is the owner. */
const withoutOwners = ({ connection }: RequestContext): readonly OwnerRef[] =>
  connection === undefined ? [] : [{ type: 'Connection', id: connection }];

type Reference = { readonly [key: string]: ScimValue | undefined };

function writeOf(
  { agentUserName, active, owners, parent, applications, ...attributes }: ScimAttributes,
  known: readonly OwnerRef[],
): AgentWrite {
  const parentId = (parent as Reference | undefined)?.value;
  const named = ((owners ?? []) as Reference[]).map((owner) => ownerOf(owner, known));
  const refs = named.length > 0 ? named : known.filter(({ type }) => type === 'Connection');
  return {
    name: agentUserName as string,
    active: active === true,
    owners: [...new Map(refs.map((ref) => [ref.id, ref])).values()],
    ...(typeof parentId === 'string' ? { parentId } : {}),
    applicationIds: [...new Set(((applications ?? []) as Reference[]).map(idIn))],
    attributes,
  };
}

function idIn({ value }: Reference): string {
  if (typeof value !== 'string' || value === '') {
    throw ScimError.invalidValue('Each of "applications" needs an id in "value".');
  }
  return value;
}

/** A client that does not say what an owner is means what it was before, else a user. */
function ownerOf({ value, type, $ref }: Reference, known: readonly OwnerRef[]): OwnerRef {
  if (typeof value !== 'string' || value === '')
    throw ScimError.invalidValue('Each of "owners" needs an id in "value".');
  const named = typeof type === 'string' ? type.toLowerCase() : undefined;
  if (named !== undefined && named !== 'user' && named !== 'group') {
    throw ScimError.invalidValue('"owners" are users or groups.');
  }
  if (named !== undefined) return { id: value, type: named === 'group' ? 'Group' : 'User' };
  const before = known.find(({ id }) => id === value);
  const isGroup = typeof $ref === 'string' && /\/Groups\//i.test($ref);
  return before ?? { id: value, type: isGroup ? 'Group' : 'User' };
}
