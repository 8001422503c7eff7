// The log of the process: one JSON object a line on stderr, without secrets.
import {
  pino,
  stdTimeFunctions,
  type Bindings,
  type DestinationStream,
  type Level,
  type Logger as PinoLogger,
} from 'pino';
import { withoutSecrets } from './log-redaction.js';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: Level | 'silent';
  /** stderr when absent. */
  readonly destination?: DestinationStream;
}

/**
 * A pino logger. Everything that is logged passes {@link withoutSecrets} first; an error is kept under `err` with its
 * name, message, code and stack only.
 */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
      },
      // Errors are plain records by then: pino's own serialiser would look for more in them.
      serializers: { err: (record: unknown) => record },
      hooks: {
        logMethod(args, method) {
          const [first, ...others] = args as unknown as [unknown, ...unknown[]];
          const said =
            first instanceof Error ? [{ err: first }, ...(others.length > 0 ? others : [first.message])] : args;
          method.apply(this, said.map(withoutSecrets) as typeof args);
        },
      },
    },
    // Synchronous: the line that says why a process ended must not end with it.
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
  // pino offers no hook for the bindings of a child; grandchildren inherit this method.
  const { child } = logger;
  logger.child = function (this: Logger, bindings: Bindings, more?: object) {
    return child.call(this, withoutSecrets(bindings) as Bindings, more);
  } as Logger['child'];
  return logger;
}
