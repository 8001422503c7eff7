// The endpoints that are served, by the name in their path.
import { EventLog, ReadModels } from '@app/event-log';
import { QuirkCounts } from '@app/http';
import { standardTypes } from '@app/scim';
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { AgentResource } from './agent.resource.js';
import { ApplicationResource } from './application.resource.js';
import { AnswerCache } from './answer-cache.js';
import { Cursors } from './cursors.js';
import { CustomResource } from './custom.resource.js';
import { Endpoint, type EndpointParts } from './endpoint.js';
import { IdentityResource } from './identity.resource.js';
import { GroupResource } from './group.resource.js';
import { SCIM_BASE_URL, type PublicAddress } from './public-address.js';
import { Registries } from './registries.js';
import { UserResource } from './user.resource.js';

const STANDARD: ReadonlySet<string> = new Set(standardTypes.map(({ name }) => name));

@Injectable()
export class Endpoints {
  readonly users: Endpoint;
  readonly groups: Endpoint;
  readonly agents: Endpoint;
  readonly applications: Endpoint;
  /** Shows the agents once more. */
  readonly identities: Endpoint;
  /** Of the types that an operator added, by their names. */
  private readonly customs = new Map<string, Endpoint>();
  private readonly parts: EndpointParts;

  constructor(
    users: UserResource,
    groups: GroupResource,
    agents: AgentResource,
    applications: ApplicationResource,
    identities: IdentityResource,
    log: EventLog,
    readModels: ReadModels,
    quirks: QuirkCounts,
    cache: AnswerCache,
    cursors: Cursors,
    private readonly registries: Registries,
    @Inject(SCIM_BASE_URL) address: PublicAddress,
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {
    const parts = { log, readModels, quirks, cache, cursors, registries, address };
    this.parts = parts;
    this.users = new Endpoint(users, parts) as unknown as Endpoint;
    this.groups = new Endpoint(groups, parts) as unknown as Endpoint;
    this.agents = new Endpoint(agents, parts) as unknown as Endpoint;
    this.applications = new Endpoint(applications, parts) as unknown as Endpoint;
    this.identities = new Endpoint(identities, parts) as unknown as Endpoint;
  }

  /** Between them they show every resource of a tenant once. */
  all(tenant: string): readonly Endpoint[] {
    const custom = this.registries.of(tenant).types.filter(({ name }) => !STANDARD.has(name));
    return [this.users, this.groups, this.agents, this.applications, ...custom.map(({ name }) => this.custom(name))];
  }

  /** The endpoint of a type that an operator added; to tenants without the type it says that there is nothing. */
  custom(name: string): Endpoint {
    let endpoint = this.customs.get(name);
    if (endpoint === undefined) {
      const resource = new CustomResource(name, this.commands, this.queries, this.registries);
      this.customs.set(name, (endpoint = new Endpoint(resource, this.parts) as unknown as Endpoint));
    }
    return endpoint;
  }

  /** The endpoint at a path such as `Users`, whatever its case. */
  byName(tenant: string, name: string): Endpoint | undefined {
    switch (name.toLowerCase()) {
      case 'users':
        return this.users;
      case 'groups':
        return this.groups;
      case 'agents':
        return this.agents;
      case 'agenticapplications':
        return this.applications;
      case 'agenticidentities':
        return this.identities;
      default: {
        const type = this.registries.of(tenant).byEndpoint(name);
        return type === undefined ? undefined : this.custom(type.name);
      }
    }
  }
}
