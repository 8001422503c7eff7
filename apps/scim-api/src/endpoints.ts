// The endpoints that are served, by the name in their path.
import { EventLog, ReadModels } from '@app/event-log';
import { QuirkCounts } from '@app/http';
import { Inject, Injectable } from '@nestjs/common';
import { AgentResource } from './agent.resource.js';
import { ApplicationResource } from './application.resource.js';
import { AnswerCache } from './answer-cache.js';
import { Cursors } from './cursors.js';
import { Endpoint } from './endpoint.js';
import { IdentityResource } from './identity.resource.js';
import { GroupResource } from './group.resource.js';
import { SCIM_BASE_URL, type PublicAddress } from './public-address.js';
import { Registries } from './registries.js';
import { UserResource } from './user.resource.js';

@Injectable()
export class Endpoints {
  readonly users: Endpoint;
  readonly groups: Endpoint;
  readonly agents: Endpoint;
  readonly applications: Endpoint;
  /** Shows the agents once more. */
  readonly identities: Endpoint;

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
    registries: Registries,
    @Inject(SCIM_BASE_URL) address: PublicAddress,
  ) {
    const parts = { log, readModels, quirks, cache, cursors, registries, address };
    this.users = new Endpoint(users, parts) as unknown as Endpoint;
    this.groups = new Endpoint(groups, parts) as unknown as Endpoint;
    this.agents = new Endpoint(agents, parts) as unknown as Endpoint;
    this.applications = new Endpoint(applications, parts) as unknown as Endpoint;
    this.identities = new Endpoint(identities, parts) as unknown as Endpoint;
  }

  /** Between them they show every resource once. */
  get all(): readonly Endpoint[] {
    return [this.users, this.groups, this.agents, this.applications];
  }

  /** The endpoint at a path such as `Users`, whatever its case. */
  byName(name: string): Endpoint | undefined {
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
      default:
        return undefined;
    }
  }
}
