// Every connector this build knows, by the name a provider's configuration uses.
import { BullmqSchedule, type BullmqScheduleOptions } from './bullmq-schedule.js';
import type { Connector } from './connector.port.js';
import { RefreshToken } from './refresh-token.js';
import { Rfc7009 } from './rfc7009.js';
import { Webhook } from './webhook.js';

export class Connectors {
  private readonly schedules: BullmqSchedule;
  private readonly byName: ReadonlyMap<string, Connector>;

  constructor(options: BullmqScheduleOptions = {}) {
    this.schedules = new BullmqSchedule(options);
    const all: Connector[] = [new Rfc7009(), new RefreshToken(), new Webhook(), this.schedules];
    this.byName = new Map(all.map((connector) => [connector.name, connector]));
  }

  get(name: string): Connector | undefined {
    return this.byName.get(name);
  }

  names(): string[] {
    return [...this.byName.keys()];
  }

  /** Ends the connections the connectors keep themselves; `OutboundHttp` is closed by whoever made it. */
  async close(): Promise<void> {
    await this.schedules.close();
  }
}
