// The only source of time, so that a test can hold it.

/** Milliseconds since the epoch, and a timer that follows the same clock. */
export abstract class Clock {
  /** The time last written out: the same is asked for many times. */
  private written: { readonly at: number; readonly text: string } | undefined;

  abstract now(): number;

  /** Calls `callback` once when `now()` has reached `at` (ms). Returns a function that cancels it. */
  abstract at(at: number, callback: () => void): () => void;

  /** ISO 8601 UTC with milliseconds. */
  iso(at: number = this.now()): string {
    if (at !== this.written?.at) this.written = { at, text: new Date(at).toISOString() };
    return this.written.text;
  }
}

/** About 24.8 days: what a timer of JavaScript can hold. */
const LONGEST_TIMER_MS = 2_147_483_647;

export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }

  at(at: number, callback: () => void): () => void {
    let timer: NodeJS.Timeout;
    const wait = () => {
      const left = Math.max(at - Date.now(), 0);
      timer = left > LONGEST_TIMER_MS ? setTimeout(wait, LONGEST_TIMER_MS) : setTimeout(callback, left);
    };
    wait();
    return () => clearTimeout(timer);
  }
}

/** A clock that stands still until told; due callbacks run inside `advance`. */
export class ManualClock extends Clock {
  private readonly timers = new Map<number, { at: number; callback: () => void }>();
  private nextTimer = 0;

  constructor(private current: number = Date.parse('2026-01-01T00:00:00.000Z')) {
    super();
  }

  now(): number {
    return this.current;
  }

  at(at: number, callback: () => void): () => void {
    const id = this.nextTimer++;
    this.timers.set(id, { at, callback });
    return () => this.timers.delete(id);
  }

  /** Moves time forward by `ms` and runs what became due, earliest first. */
  advance(ms: number): void {
    this.current += ms;
    const due = [...this.timers].filter(([, t]) => t.at <= this.current).sort((a, b) => a[1].at - b[1].at);
    for (const [id, timer] of due) {
      this.timers.delete(id);
      timer.callback();
    }
  }
}
