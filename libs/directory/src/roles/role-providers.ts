// What the directory's module provides for roles: handlers, and the follower that decides about them.
import { Decisions, EventLog } from '@app/event-log';
import { Clock } from '@app/runtime';
import type { Provider } from '@nestjs/common';
import { Conditions } from './conditions.js';
import {
  ActivateMappingHandler,
  DiffMappingHandler,
  DraftMappingHandler,
  ListMappingsHandler,
  TestMappingHandler,
} from './mapping.handlers.js';
import { People } from './people.js';
import { RoleFollower } from './role-follower.js';
import { ListRolesHandler, RoleMembersHandler } from './role-queries.handlers.js';
import {
  DefineConditionHandler,
  DefineRoleHandler,
  DeleteRoleHandler,
  GrantRoleHandler,
  RoleDecisions,
  WithdrawRoleHandler,
} from './role.handlers.js';

export const roleProviders: readonly Provider[] = [
  DefineRoleHandler,
  DeleteRoleHandler,
  DefineConditionHandler,
  GrantRoleHandler,
  WithdrawRoleHandler,
  ListRolesHandler,
  RoleMembersHandler,
  DraftMappingHandler,
  ActivateMappingHandler,
  ListMappingsHandler,
  DiffMappingHandler,
  TestMappingHandler,
  People,
  RoleDecisions,
  {
    provide: RoleFollower,
    inject: [EventLog, Decisions, Clock, People, Conditions],
    useFactory: (log: EventLog, decisions: Decisions, clock: Clock, people: People, conditions: Conditions) =>
      new RoleFollower({ log, decisions, clock, people, conditions }),
  },
];
