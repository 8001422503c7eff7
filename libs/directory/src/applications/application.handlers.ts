// Handles what is asked of applications, each decided on its own stream.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  ChangeApplication,
  DeleteApplication,
  ProvisionApplication,
  type StoredApplication,
} from '../application.commands.js';
import { NotFound, RevisionMismatch } from '../directory.errors.js';
import { isWithin, type Scope } from '../scope.js';
import type { Written } from '../user.commands.js';
import { applicationAggregate, changeApplication, storedApplication, type Application } from './application.js';

/** @throws NotFound, RevisionMismatch */
function mustBe(
  scope: Scope,
  application: Application,
  revision: bigint | undefined,
  expected: bigint | undefined,
): bigint {
  const isThere = application.status === 'present' && isWithin(scope, application.connection);
  if (!isThere || revision === undefined) throw new NotFound('no such application');
  if (expected !== undefined && expected !== revision) throw new RevisionMismatch(revision);
  return revision;
}

@CommandHandler(ProvisionApplication)
export class ProvisionApplicationHandler implements ICommandHandler<ProvisionApplication> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, write }: ProvisionApplication): Promise<Written<StoredApplication>> {
    const applicationId = newId();
    const { name, active, attributes } = write;
    const data = { applicationId, name, active, resource: { ...attributes } };
    const provisioned = newEvent('ApplicationProvisioned', data, contextOf(context, this.clock.iso()));
    const stream = streams.application(context.tenant, applicationId);
    const { state, revision, position } = await this.decisions.execute(stream, applicationAggregate, () => ({
      events: [provisioned],
      result: undefined,
    }));
    return { resource: storedApplication(applicationId, state, revision as bigint), changed: true, position };
  }
}

@CommandHandler(ChangeApplication)
export class ChangeApplicationHandler implements ICommandHandler<ChangeApplication> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute(command: ChangeApplication): Promise<Written<StoredApplication>> {
    const { context, applicationId, change, expected } = command;
    const stream = streams.application(context.tenant, applicationId);
    const decided = await this.decisions.execute(stream, applicationAggregate, (application, at) => {
      const write = change(storedApplication(applicationId, application, mustBe(context, application, at, expected)));
      const decidedAt = contextOf(context, this.clock.iso());
      const events = write === undefined ? [] : changeApplication(application, applicationId, write, decidedAt);
      return { events, result: undefined };
    });
    const { state, revision, appended, position } = decided;
    return { resource: storedApplication(applicationId, state, revision as bigint), changed: appended, position };
  }
}

@CommandHandler(DeleteApplication)
export class DeleteApplicationHandler implements ICommandHandler<DeleteApplication> {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async execute({ context, applicationId, expected }: DeleteApplication): Promise<{ position: bigint }> {
    const stream = streams.application(context.tenant, applicationId);
    const { position } = await this.decisions.execute(stream, applicationAggregate, (application, revision) => {
      mustBe(context, application, revision, expected);
      const deleted = newEvent('ApplicationDeleted', { applicationId }, contextOf(context, this.clock.iso()));
      return { events: [deleted], result: undefined };
    });
    return { position: position as bigint };
  }
}
