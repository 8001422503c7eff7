// Everything that answers for applications, for the module of the directory.
import type { Provider } from '@nestjs/common';
import { ApplicationAgents } from './application-agents.js';
import { ApplicationViews, FindApplicationHandler, ListApplicationsHandler } from './application-queries.handlers.js';
import {
  ChangeApplicationHandler,
  DeleteApplicationHandler,
  ProvisionApplicationHandler,
} from './application.handlers.js';

export const applicationProviders: readonly Provider[] = [
  ProvisionApplicationHandler,
  ChangeApplicationHandler,
  DeleteApplicationHandler,
  FindApplicationHandler,
  ListApplicationsHandler,
  ApplicationViews,
  ApplicationAgents,
];
