// Starts the service: reads the configuration, opens what it needs, says where it is, and drains when asked to stop.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { EventLog, ReadModels } from '@app/event-log';
import { createHttpApp } from '@app/http';
import { Clock, createLogger, NestLogger, publicUrlOf, readConfig } from '@app/runtime';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { announcementOf, sentencesOf } from './announcement.js';
import { readArguments, USAGE, UsageError, type Arguments } from './arguments.js';
import { asOne, closeAll } from './closing.js';
import { firstTenant } from './first-tenant.js';
import { openInfrastructure } from './infrastructure.js';
import { listen } from './listen.js';
import { readScimFiles } from './scim-files.js';
import { StandaloneModule } from './standalone.module.js';
import { Views } from './views.js';
import { WorkerThread } from './worker-thread.js';

interface Running {
  /** Takes no new requests, lets the running ones end, records what workers have under way, closes everything. */
  stop(): Promise<void>;
}

/** Files are for the user of this process alone, also in a DATA_DIR that others may look into. */
const PRIVATE = 0o077;

async function start(args: Arguments): Promise<Running> {
  process.umask(PRIVATE);
  const config = readConfig();
  const scimFiles = readScimFiles(config);
  const logger = new NestLogger(createLogger({ level: config.logLevel }));
  const infrastructure = await openInfrastructure(config, logger);
  let app: NestFastifyApplication | undefined;
  const stopping = () => closeAll([() => app?.close(), () => app?.get(Views).stop(), () => infrastructure.close()]);
  const stop = async (): Promise<void> => {
    const errors = await stopping();
    if (errors.length > 0) throw asOne(errors);
  };
  try {
    const address = { url: '' };
    const module = StandaloneModule.of({ config, scimFiles, infrastructure, address, logger });
    const { exchanges } = infrastructure;
    app = await createHttpApp(module, { logger, requestsPerSecond: config.scimRequestsPerSecond, exchanges });
    if (config.roles.includes('worker')) app.get(WorkerThread).load();
    await app.get(Views).start();
    await app.init();
    await listen(app, config);
    address.url = publicUrlOf(config, (app.getHttpServer().address() as AddressInfo).port);
    // Only now: keys are shown once, and a start that cannot listen must not use them up.
    const keys = await firstTenant(
      {
        log: app.get(EventLog),
        commands: app.get(CommandBus),
        queries: app.get(QueryBus),
        readModels: app.get(ReadModels),
        clock: app.get(Clock),
      },
      { tenant: args.tenant, issueKeys: args.issueKeys },
    );
    const announcement = announcementOf(address.url, keys);
    process.stdout.write(args.json ? `${JSON.stringify(announcement)}\n` : sentencesOf(announcement));
    return { stop };
  } catch (error) {
    throw asOne([error, ...(await stopping())]);
  }
}

/** Errors that JavaScript raises itself: nobody foresaw them, so the stack says more than the message. */
const isDefect = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;

/** What went wrong and how to mend it; a stack only for what nobody foresaw. */
function explain(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(explain).join('\n');
  const { message, stack } = error as Error;
  return isDefect(error) ? (stack ?? message) : message;
}

function argumentsOrEnd(): Arguments {
  try {
    const args = readArguments(process.argv.slice(2));
    if (!args.help) return args;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const starting = start(argumentsOrEnd());

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second signal is impatience: what is under way is repeated at the next start.
    if (stopping) process.exit(130);
    stopping = true;
    process.stderr.write('Draining; once more to leave at once.\n');
    // A start that fails has ended the process by then.
    void starting.then(async ({ stop }) => {
      await stop().catch((error: unknown) => {
        process.stderr.write(`${explain(error)}\n`);
        process.exit(1);
      });
      process.exit(0);
    });
  });
}

await starting.catch((error: unknown) => {
  process.stderr.write(`scim-cascade cannot start.\n${explain(error)}\n`);
  process.exit(1);
});
