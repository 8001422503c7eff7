// The SCIM role: what identity providers talk to. Needs CqrsModule, EventLog, ReadModels, Vault, Clock, QuirkCounts, SCIM_BASE_URL and, where there are any, SCIM_EXTENSIONS from the app around it.
import { DirectoryModule } from '@app/directory';
import type { CustomTypes } from '@app/scim';
import { Module, type DynamicModule } from '@nestjs/common';
import { AgentResource } from './agent.resource.js';
import { ApplicationResource } from './application.resource.js';
import { AnswerCache } from './answer-cache.js';
import { BulkController } from './bulk.controller.js';
import { Cursors } from './cursors.js';
import { customControllers } from './custom.controller.js';
import { DiscoveryController } from './discovery.controller.js';
import { Endpoints } from './endpoints.js';
import { GroupResource } from './group.resource.js';
import { IdentityResource } from './identity.resource.js';
import { methodsControllers } from './methods.controller.js';
import { Registries, SCIM_RESOURCE_TYPES } from './registries.js';
import {
  AgentsController,
  ApplicationsController,
  GroupsController,
  IdentitiesController,
  UsersController,
} from './resource.controller.js';
import { SearchController } from './search.controller.js';
import { TokenController } from './token.controller.js';
import { UserResource } from './user.resource.js';

@Module({
  imports: [DirectoryModule],
  controllers: [
    UsersController,
    GroupsController,
    AgentsController,
    ApplicationsController,
    IdentitiesController,
    DiscoveryController,
    BulkController,
    SearchController,
    TokenController,
    ...methodsControllers,
  ],
  providers: [
    UserResource,
    GroupResource,
    AgentResource,
    ApplicationResource,
    IdentityResource,
    Endpoints,
    AnswerCache,
    Cursors,
    Registries,
  ],
})
export class ScimApiModule {
  /** With resource types of the operator's own beside those of the RFCs. */
  static extendedBy(types: CustomTypes): DynamicModule {
    return {
      module: ScimApiModule,
      controllers: customControllers(types),
      providers: [{ provide: SCIM_RESOURCE_TYPES, useValue: types }],
    };
  }
}
