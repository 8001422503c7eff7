// The platform role: what the agent platform registers and asks, and the doors that operators open.
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AgentsController } from './agents.controller.js';
import { ConnectionsController } from './connections.controller.js';
import { CredentialConditions } from './credential-conditions.js';
import { CredentialsController } from './credentials.controller.js';
import { Idempotency } from './idempotency.js';
import { KeysController } from './keys.controller.js';
import { MappingsController } from './mappings.controller.js';
import { ProvidersController } from './providers.controller.js';
import { RunsController } from './runs.controller.js';
import { RolesController } from './roles.controller.js';
import { SchedulesController } from './schedules.controller.js';
import { SubjectsController } from './subjects.controller.js';
import { Writes } from './writes.js';

/**
 * Needs, provided globally: `ReadModels`, `Vault`, `Clock`, `ExchangeLog`, `QuirkCounts` and `IDEMPOTENCY_DB` (which it
 * migrates itself), and
 * somewhere in the application `DirectoryModule` and `RevocationModule`.
 */
@Module({
  imports: [CqrsModule],
  controllers: [
    ProvidersController,
    CredentialsController,
    SchedulesController,
    RunsController,
    AgentsController,
    SubjectsController,
    RolesController,
    MappingsController,
    ConnectionsController,
    KeysController,
  ],
  providers: [CredentialConditions, Idempotency, Writes],
})
export class PlatformApiModule {}
