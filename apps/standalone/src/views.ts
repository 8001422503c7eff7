// The read models of this process: which of them its roles need, and who waits for which.
import { RoleAwareReadModels } from '@app/directory';
import type { ConnectionOrders, DirectoryDb, DirectoryView, OwnerPolicy, RoleFollower } from '@app/directory';
import { Projector, ProjectorSet, type Projection, type ReadModels } from '@app/event-log';
import { GateView } from '@app/revocation';
import type { EventType, RecordedEvent } from '@app/events';
import { Forgetting, type Config, type Role } from '@app/runtime';
import type { LoggerService } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { AuditThread } from './audit-thread.js';
import { asOne } from './closing.js';
import type { Infrastructure } from './infrastructure.js';

/** A rebuild from the log after an upgrade may take long; a start waits for it rather than serve old answers. */
const CATCH_UP_MS = 3_600_000;

/** Between two batches of a view that no request of an identity provider waits for. */
const UNHURRIED_MS = 25;

type Followed = Pick<Projector<unknown>, 'name' | 'position' | 'reached' | 'failure' | 'start' | 'stop'>;

/** With a person go their rows, and with the rows what they said of them. */
const ERASED: ReadonlySet<string> = new Set([
  'UserDeleted',
  'AgentDeleted',
  'GroupDeleted',
  'ApplicationDeleted',
  'ResourceDeleted',
] satisfies EventType[]);
const erases = ({ type }: RecordedEvent): boolean => ERASED.has(type);

export interface ViewsParts {
  readonly infrastructure: Infrastructure;
  readonly roles: Config['roles'];
  readonly logger: LoggerService;
  readonly directory: DirectoryView;
  readonly ownerPolicy: OwnerPolicy;
  readonly roleFollower: RoleFollower;
  readonly connectionOrders: ConnectionOrders;
}

export class Views {
  /** What a write waits for: the directory and the gate, and the roles where there are any. */
  readonly written: ReadModels;
  /** What an operator's write waits for: the lists it shows. */
  readonly shown: ReadModels;
  private readonly all: readonly Followed[];
  /** The directory alone says of people what is not sealed; others know their ids. */
  private readonly forgetting: Forgetting<DirectoryDb>;

  constructor(private readonly parts: ViewsParts) {
    const { infrastructure, roles, directory, roleFollower } = parts;
    const has = (role: Role): boolean => roles.includes(role);
    const view = this.follow(infrastructure.directoryDb, directory);
    const written = [view, this.follow(infrastructure.gateDb, new GateView())];
    const { rolesDb } = infrastructure;
    roleFollower.uses({ view, db: rolesDb });
    const follower = this.follow(rolesDb, roleFollower, () => (roleFollower.inForce ? 0 : UNHURRIED_MS));
    const shown = has('console')
      ? [new AuditThread({ onError: (error) => parts.logger.error(error, 'view audit') })]
      : [];
    this.written = new RoleAwareReadModels({
      views: new ProjectorSet(written),
      follower: roleFollower,
      progress: follower,
    });
    this.shown = new ProjectorSet(shown);
    this.forgetting = new Forgetting(infrastructure.directoryDb, (error) => parts.logger.error(error, 'forgetting'));
    directory.onCommitted((events) => {
      if (events.some(erases)) this.forgetting.soon();
    });
    // What may refuse to be made anew comes first: nothing else is then thrown away.
    this.all = [...shown, ...written, follower, ...(has('worker') ? this.reactions(view) : [])];
  }

  /** What the service itself decides because of an event, where nobody waits for it. */
  private reactions(view: Followed): Followed[] {
    const { ownerPolicy, connectionOrders } = this.parts;
    const { ownersDb, ordersDb } = this.parts.infrastructure;
    connectionOrders.uses({ view, db: ordersDb });
    return [
      this.follow(ownersDb, ownerPolicy, () => UNHURRIED_MS),
      this.follow(ordersDb, connectionOrders, () => UNHURRIED_MS),
    ];
  }

  /** Resolves when every view has applied what the log held at the call. */
  async start(): Promise<void> {
    for (const view of this.all) await view.start();
    // What a process that was killed had deleted.
    this.forgetting.soon();
    const head = await this.parts.infrastructure.log.head();
    if (head !== undefined) await new ProjectorSet(this.all).reached(head, CATCH_UP_MS);
  }

  /** All of them, whatever fails: the databases are closed after them. */
  async stop(): Promise<void> {
    const ended = await Promise.allSettled(this.all.map((view) => view.stop()));
    this.forgetting.stop();
    const errors = ended.filter((one) => one.status === 'rejected').map(({ reason }): unknown => reason);
    if (errors.length > 0) throw asOne(errors);
  }

  /** Names of the views that cannot follow the log at this moment. */
  failing(): string[] {
    return this.all.filter((view) => view.failure !== undefined).map((view) => view.name);
  }

  private follow<Db>(db: Kysely<Db>, projection: Projection<Db>, pauseMs = () => 0): Followed {
    const { infrastructure, logger } = this.parts;
    const onError = (error: unknown) => logger.error(error, `view ${projection.name}`);
    return new Projector<Db>({ log: infrastructure.log, db, projection, onError, pauseMs });
  }
}
