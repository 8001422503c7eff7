// Handles what is asked of applications, each decided on its own stream.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent, type Decision } from '@app/event-log';
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
import { UserNames } from '../users/user-name.js';
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
    private readonly names: UserNames,
    private readonly clock: Clock,
  ) {}

  async execute({ context, write }: ProvisionApplication): Promise<Written<StoredApplication>> {
    const applicationId = newId();
    const { name, active, attributes } = write;
    const data = { applicationId, name, active, resource: { ...attributes } };
    const provisioned = newEvent('ApplicationProvisioned', data, contextOf(context, this.clock.iso()));
    const stream = streams.application(context.tenant, applicationId);
    const hash = this.names.hashOfName(context.tenant, 'Application', name);
    const { state, revision, position } = await this.names.retryLostClaims(stream, async () =>
      this.decisions.begin(stream, applicationAggregate, {
        events: [provisioned],
        alsoFirst: [await this.names.claim(context, hash, applicationId)],
        result: undefined,
      }),
    );
    return { resource: storedApplication(applicationId, state, revision as bigint), changed: true, position };
  }
}

@CommandHandler(ChangeApplication)
export class ChangeApplicationHandler implements ICommandHandler<ChangeApplication> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly clock: Clock,
  ) {}

  async execute(command: ChangeApplication): Promise<Written<StoredApplication>> {
    const { context, applicationId } = command;
    const stream = streams.application(context.tenant, applicationId);
    const decided = await this.names.retryLostClaims(stream, () =>
      this.decisions.execute(stream, applicationAggregate, (application, at) => this.decide(command, application, at)),
    );
    const { state, revision, appended, position, result: formerName } = decided;
    if (formerName !== undefined) await this.names.release(context, formerName, applicationId);
    return { resource: storedApplication(applicationId, state, revision as bigint), changed: appended, position };
  }

  /** The result is the hash of the name it had before, when it has another one now. */
  private async decide(
    { context, applicationId, change, expected }: ChangeApplication,
    application: Application,
    at: bigint | undefined,
  ): Promise<Decision<string | undefined>> {
    const write = change(storedApplication(applicationId, application, mustBe(context, application, at, expected)));
    if (write === undefined) return { events: [], result: undefined };
    const events = changeApplication(application, applicationId, write, contextOf(context, this.clock.iso()));
    const hashOf = (name: string) => this.names.hashOfName(context.tenant, 'Application', name);
    const [before, after] = [hashOf(application.name), hashOf(write.name)];
    if (before === after) return { events, result: undefined };
    return { events, alsoFirst: [await this.names.claim(context, after, applicationId)], result: before };
  }
}

@CommandHandler(DeleteApplication)
export class DeleteApplicationHandler implements ICommandHandler<DeleteApplication> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly clock: Clock,
  ) {}

  async execute({ context, applicationId, expected }: DeleteApplication): Promise<{ position: bigint }> {
    const stream = streams.application(context.tenant, applicationId);
    const { position, result } = await this.decisions.execute(stream, applicationAggregate, (application, revision) => {
      mustBe(context, application, revision, expected);
      const deleted = newEvent('ApplicationDeleted', { applicationId }, contextOf(context, this.clock.iso()));
      return { events: [deleted], result: this.names.hashOfName(context.tenant, 'Application', application.name) };
    });
    await this.names.release(context, result, applicationId);
    return { position: position as bigint };
  }
}
