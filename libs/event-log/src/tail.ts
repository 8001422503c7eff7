// The newest events of a log that this process writes: every view reads them, and none has to be read from the disk.
import type { RecordedEvent } from '@app/events';

/** Kept at most: a view that is further behind reads from the disk. */
const EVENTS = 4_096;
const BYTES = 16 * 1024 * 1024;

export class Tail {
  private kept: RecordedEvent[] = [];
  private added: RecordedEvent[] = [];
  private bytes = 0;

  /** Notes an event of the transaction under way. */
  add(event: RecordedEvent): void {
    this.added.push(event);
  }

  /** The transaction failed: takes back all of it. */
  forget(): void {
    this.added = [];
  }

  /** What was added is durable. */
  commit(): void {
    for (const one of this.added) {
      this.kept.push(one);
      this.bytes += one.bytes.length;
    }
    this.added = [];
    if (this.kept.length > 2 * EVENTS || this.bytes > 2 * BYTES) this.shorten();
  }

  /** Events after a position in order, or undefined when the tail does not reach back so far. */
  after(position: bigint, max: number): RecordedEvent[] | undefined {
    const first = this.kept[0];
    if (first === undefined || position < first.position - 1n) return undefined;
    const start = this.indexAfter(position);
    return this.kept.slice(start, start + max);
  }

  private indexAfter(position: bigint): number {
    let low = 0;
    let high = this.kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.kept[middle] as RecordedEvent).position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Half is given up at a time, so that giving up costs little per event. */
  private shorten(): void {
    let start = Math.max(0, this.kept.length - EVENTS);
    for (let i = 0; i < start; i += 1) this.bytes -= (this.kept[i] as RecordedEvent).bytes.length;
    for (; this.bytes > BYTES && start < this.kept.length - 1; start += 1) {
      this.bytes -= (this.kept[start] as RecordedEvent).bytes.length;
    }
    this.kept = this.kept.slice(start);
  }
}
