// Handles what is asked of applications, each decided on its own stream.
import { streams } from '@app/events';
import { contextOf, Decisions, newEvent, type Decision } from '@app/event-log';
import { Clock, newId } from '@app/runtime';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  ChangeApplication,
  DeleteApplication,
  ProvisionApplication,
  type AgentsDelta,
  type StoredApplication,
} from '../application.commands.js';
import { NotFound, RevisionMismatch } from '../directory.errors.js';
import { isWithin, type Scope } from '../scope.js';
import type { Written } from '../user.commands.js';
import { UserNames } from '../users/user-name.js';
import { ApplicationAgents } from './application-agents.js';
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

const NOBODY: AgentsDelta = { added: [], removed: [] };

@CommandHandler(ProvisionApplication)
export class ProvisionApplicationHandler implements ICommandHandler<ProvisionApplication> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly agents: ApplicationAgents,
    private readonly clock: Clock,
  ) {}

  async execute({ context, write }: ProvisionApplication): Promise<Written<StoredApplication>> {
    const applicationId = newId();
    const { name, active, attributes, agents = NOBODY } = write;
    await this.agents.mustBeKnown(context, agents);
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
    const linked = await this.agents.change(context, applicationId, agents);
    const resource = storedApplication(applicationId, state, revision as bigint);
    return { resource, changed: true, position: linked.position ?? position };
  }
}

interface Outcome {
  readonly agents: AgentsDelta;
  /** The hash of the name it had before, when it has another one now. */
  readonly formerName?: string;
}

/** Its own stream comes first: who joins or leaves by the same write meets the application as it is afterwards. */
@CommandHandler(ChangeApplication)
export class ChangeApplicationHandler implements ICommandHandler<ChangeApplication> {
  constructor(
    private readonly decisions: Decisions,
    private readonly names: UserNames,
    private readonly agents: ApplicationAgents,
    private readonly clock: Clock,
  ) {}

  async execute(command: ChangeApplication): Promise<Written<StoredApplication>> {
    const { context, applicationId } = command;
    const stream = streams.application(context.tenant, applicationId);
    const { state, revision, appended, position, result } = await this.names.retryLostClaims(stream, () =>
      this.decisions.execute(stream, applicationAggregate, (application, at) => this.decide(command, application, at)),
    );
    if (result.formerName !== undefined) await this.names.release(context, result.formerName, applicationId);
    const linked = await this.agents.change(context, applicationId, result.agents);
    const resource = storedApplication(applicationId, state, revision as bigint);
    return { resource, changed: appended || linked.changed, position: linked.position ?? position };
  }

  private async decide(
    { context, applicationId, change, expected }: ChangeApplication,
    application: Application,
    at: bigint | undefined,
  ): Promise<Decision<Outcome>> {
    const stored = storedApplication(applicationId, application, mustBe(context, application, at, expected));
    const write = change(stored, await this.agents.of(context, applicationId));
    if (write === undefined) return { events: [], result: { agents: NOBODY } };
    const { agents = NOBODY } = write;
    await this.agents.mustBeKnown(context, agents);
    const events = changeApplication(application, applicationId, write, contextOf(context, this.clock.iso()));
    const hashOf = (name: string) => this.names.hashOfName(context.tenant, 'Application', name);
    const [before, after] = [hashOf(application.name), hashOf(write.name)];
    if (before === after) return { events, result: { agents } };
    const claim = await this.names.claim(context, after, applicationId);
    return { events, alsoFirst: [claim], result: { agents, formerName: before } };
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
