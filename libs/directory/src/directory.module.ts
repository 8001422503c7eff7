// The directory as a Nest module: its handlers, its views and its tokens, on infrastructure that the app provides.
import { Decisions, EventLog } from '@app/event-log';
import { TokenRegistry } from '@app/http';
import { Clock } from '@app/runtime';
import { Vault } from '@app/vault';
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { FindAgentHandler, ListAgentsHandler, AgentViews } from './agents/agent-queries.handlers.js';
import { ChangeAgentHandler, DeleteAgentHandler, ProvisionAgentHandler } from './agents/agent.handlers.js';
import { AgentRules } from './agents/agent-rule.js';
import { UserAgents } from './agents/user-agents.js';
import { applicationProviders } from './applications/application-providers.js';
import { DIRECTORY_DB, type DirectoryDb } from './directory-db.js';
import { DirectoryView } from './directory.view.js';
import {
  FindGroupHandler,
  FindMembersHandler,
  GroupViews,
  ListGroupsHandler,
} from './groups/group-queries.handlers.js';
import { ChangeGroupHandler, CreateGroupHandler, DeleteGroupHandler, GroupDecisions } from './groups/group.handlers.js';
import { OwnerPolicy } from './owner-policy.js';
import { PersonTypes } from './person-types.js';
import { resourceProviders } from './resources/resource-providers.js';
import { Conditions } from './roles/conditions.js';
import { RoleFollower } from './roles/role-follower.js';
import { roleProviders } from './roles/role-providers.js';
import { ListConnectionsHandler, NamesOfHandler } from './tenants/connection-queries.handlers.js';
import { IssueAccessTokenHandler } from './tenants/access-tokens.js';
import { ConnectionOrders } from './tenants/connection-orders.js';
import { RegisterClientKeyHandler, RevokeClientKeyHandler } from './tenants/client-key.handlers.js';
import {
  CloseConnectionHandler,
  ConnectionStates,
  HandOverConnectionHandler,
  PauseConnectionHandler,
  ResumeConnectionHandler,
} from './tenants/connection-state.handlers.js';
import {
  ChangeConnectionHandler,
  IssueConnectionTokenHandler,
  OpenConnectionHandler,
  RevokeConnectionTokenHandler,
} from './tenants/connection.handlers.js';
import { CreateTenantHandler, IssueApiKeyHandler, RevokeApiKeyHandler } from './tenants/tenant.handlers.js';
import { TokenUses } from './tenants/token-uses.js';
import { DirectoryTokens } from './tenants/tokens.js';
import { FindUserHandler, FindUserIdsHandler, ListUsersHandler, UserViews } from './users/user-queries.handlers.js';
import { UserNames } from './users/user-name.js';
import { ChangeUserHandler, DeleteUserHandler, ProvisionUserHandler } from './users/user.handlers.js';
import { KnownIds } from './view/known-ids.js';

const commandHandlers = [
  ProvisionUserHandler,
  ChangeUserHandler,
  DeleteUserHandler,
  CreateGroupHandler,
  ChangeGroupHandler,
  DeleteGroupHandler,
  ProvisionAgentHandler,
  ChangeAgentHandler,
  DeleteAgentHandler,
  CreateTenantHandler,
  IssueApiKeyHandler,
  RevokeApiKeyHandler,
  OpenConnectionHandler,
  ChangeConnectionHandler,
  IssueConnectionTokenHandler,
  RevokeConnectionTokenHandler,
  PauseConnectionHandler,
  ResumeConnectionHandler,
  CloseConnectionHandler,
  HandOverConnectionHandler,
  RegisterClientKeyHandler,
  RevokeClientKeyHandler,
  IssueAccessTokenHandler,
];

const queryHandlers = [
  FindUserHandler,
  FindUserIdsHandler,
  ListUsersHandler,
  FindGroupHandler,
  FindMembersHandler,
  ListGroupsHandler,
  FindAgentHandler,
  ListAgentsHandler,
  ListConnectionsHandler,
  NamesOfHandler,
];

/**
 * Needs from a global module: `EventLog`, `Decisions`, `Vault`, `Clock`, `DIRECTORY_DB`, and `SCIM_EXTENSIONS` where
 * extensions are declared. The app runs the projections
 * {@link DirectoryView} (on `DIRECTORY_DB`), and {@link OwnerPolicy}, {@link RoleFollower} and {@link ConnectionOrders}
 * (each on a connection of its own).
 */
@Module({
  imports: [CqrsModule],
  providers: [
    ...commandHandlers,
    ...queryHandlers,
    ...roleProviders,
    ...applicationProviders,
    ...resourceProviders,
    UserNames,
    UserAgents,
    AgentRules,
    PersonTypes,
    Conditions,
    UserViews,
    GroupDecisions,
    GroupViews,
    AgentViews,
    ConnectionStates,
    KnownIds,
    TokenUses,
    DirectoryTokens,
    { provide: TokenRegistry, useExisting: DirectoryTokens },
    {
      provide: DirectoryView,
      inject: [Vault, DirectoryTokens, RoleFollower],
      useFactory: (vault: Vault, tokens: DirectoryTokens, roles: RoleFollower) => {
        const view = new DirectoryView(vault);
        view.onCommitted((events) => tokens.forgetAfter(events));
        view.onCommitted((events) => roles.notice(events));
        return view;
      },
    },
    {
      provide: OwnerPolicy,
      inject: [Decisions, Clock],
      useFactory: (decisions: Decisions, clock: Clock) => new OwnerPolicy({ decisions, clock }),
    },
    {
      provide: ConnectionOrders,
      inject: [EventLog, Decisions, Clock, DIRECTORY_DB],
      useFactory: (log: EventLog, decisions: Decisions, clock: Clock, directory: Kysely<DirectoryDb>) =>
        new ConnectionOrders({ log, decisions, clock, directory }),
    },
  ],
  exports: [TokenRegistry, DirectoryView, OwnerPolicy, RoleFollower, ConnectionOrders],
})
export class DirectoryModule {}
