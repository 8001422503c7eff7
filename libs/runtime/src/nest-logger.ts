// Lets Nest log through the logger of the process.
import type { LoggerService } from '@nestjs/common';
import type { Level } from 'pino';
import type { Logger } from './logger.js';

const isStack = (param: unknown): param is string => typeof param === 'string' && /\n\s+at .+:\d+:\d+/.test(param);

const isRecord = (message: unknown): message is object =>
  typeof message === 'object' && message !== null && !(message instanceof Error);

/** Who at Nest reports every module and route at a start: of use to nobody who runs the service. */
const ASSEMBLY = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);

/**
 * Nest passes `(message, ...details, stack?, context?)`: the last text that is no stack names who is speaking. Fields with a
 * text, as pino takes them, are the fields of the line.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...params: unknown[]): void {
    const isAssembly = ASSEMBLY.has(String(params.at(-1)));
    this.write(isAssembly ? 'debug' : 'info', message, params);
  }

  error(message: unknown, ...params: unknown[]): void {
    this.write('error', message, params);
  }

  warn(message: unknown, ...params: unknown[]): void {
    this.write('warn', message, params);
  }

  debug(message: unknown, ...params: unknown[]): void {
    this.write('debug', message, params);
  }

  verbose(message: unknown, ...params: unknown[]): void {
    this.write('trace', message, params);
  }

  fatal(message: unknown, ...params: unknown[]): void {
    this.write('fatal', message, params);
  }

  private write(level: Level, message: unknown, params: readonly unknown[]): void {
    const stack = params.find(isStack);
    const rest = params.filter((param) => param !== stack && param !== undefined);
    const context = typeof rest.at(-1) === 'string' ? rest.pop() : undefined;
    const text = isRecord(message) && typeof rest[0] === 'string' ? (rest.shift() as string) : undefined;
    const record = {
      ...(context === undefined ? {} : { context }),
      ...(stack === undefined ? {} : { stack }),
      ...(rest.length === 0 ? {} : { details: rest }),
    };
    if (message instanceof Error) this.logger[level]({ ...record, err: message }, message.message);
    else if (isRecord(message) && text !== undefined) this.logger[level]({ ...message, ...record }, '%s', text);
    else if (typeof message === 'object') this.logger[level]({ ...record, message });
    // '%s' keeps a percent sign in the message from being read as a format.
    else this.logger[level](record, '%s', String(message));
  }
}
