// The commands and queries of the room: what the platform registers, what operators decide, what the gate answers.
import { Module } from '@nestjs/common';
import {
  RegisterCredentialsHandler,
  ReleaseCredentialHandler,
  RotateCredentialHandler,
} from './credential.handlers.js';
import { CountDependentsHandler } from './dependents.handlers.js';
import { FindProviderHandler, ListProvidersHandler, SubjectStatusHandler } from './gate.handlers.js';
import { Gate } from './gate.js';
import { OperatorDecisions, RetryRevocationHandler, WaiveRevocationHandler } from './operator.handlers.js';
import { ConfigureProviderHandler, RemoveProviderHandler } from './provider.handlers.js';
import { Registrations } from './registrations.js';
import {
  EndRunHandler,
  RegisterScheduleHandler,
  ReleaseScheduleHandler,
  StartRunHandler,
} from './schedule.handlers.js';

/**
 * Needs from the application: CqrsModule, and (global) EventLog, Decisions, ReadModels, Vault, Clock, Connectors
 * and GATE_DB.
 */
@Module({
  providers: [
    Gate,
    Registrations,
    OperatorDecisions,
    ConfigureProviderHandler,
    RemoveProviderHandler,
    RegisterCredentialsHandler,
    RotateCredentialHandler,
    ReleaseCredentialHandler,
    RegisterScheduleHandler,
    ReleaseScheduleHandler,
    StartRunHandler,
    EndRunHandler,
    RetryRevocationHandler,
    WaiveRevocationHandler,
    SubjectStatusHandler,
    CountDependentsHandler,
    FindProviderHandler,
    ListProvidersHandler,
  ],
})
export class RevocationModule {}
