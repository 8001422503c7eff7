// The reading half of the embedded log, the same in every thread: by position on a connection to its file.
import type { RecordedEvent } from '@app/events';
import { EventLog, type EventPlace, type LogBatch } from './event-log.port.js';
import type { SqliteReader } from './sqlite-reader.js';

export abstract class EmbeddedLog extends EventLog {
  protected abstract readonly reader: SqliteReader;

  override readAll(options?: { after?: bigint; max?: number }): Promise<RecordedEvent[]> {
    return this.reader.readAll(options);
  }

  override subscribe(options: { after?: bigint; signal: AbortSignal }): AsyncIterable<LogBatch> {
    return this.reader.subscribe(options);
  }

  override head(): Promise<bigint | undefined> {
    return this.reader.head();
  }

  override holds(event: EventPlace): Promise<boolean> {
    return this.reader.holds(event);
  }
}
