// Carries out a command and comes back only when every gate and view of this process knows what it did.
import { EventLog, ReadModels, untilKnown } from '@app/event-log';
import { Injectable } from '@nestjs/common';
import { CommandBus, type Command } from '@nestjs/cqrs';

/** ms for what is decided about everybody of a tenant at once. */
export const EVERYBODY_MS = 30_000;

@Injectable()
export class Writes {
  constructor(
    private readonly commands: CommandBus,
    private readonly log: EventLog,
    private readonly readModels: ReadModels,
  ) {}

  /** @throws NotYetVisible when the read models are late: 503, never 2xx */
  async execute<R extends { readonly position: bigint | undefined }>(
    command: Command<R>,
    timeoutMs?: number,
  ): Promise<R> {
    const result = await this.commands.execute<R>(command);
    await untilKnown({ log: this.log, readModels: this.readModels }, result.position, timeoutMs);
    return result;
  }
}
