// The worker role as the process sees it: on a thread of its own, so that no request waits for a cascade.
import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { serveThread, type EventLog } from '@app/event-log';
import type { Lanes } from '@app/console';
import type { LaneStatus } from '@app/revocation';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { ServiceThread } from './service-thread.js';

/** What the thread is given at its start. */
export interface WorkerData {
  /** To the log of the process; absent where the thread has a client of its own. */
  readonly logPort: MessagePort | undefined;
  /** Of the job queue; absent where it is kept in memory. */
  readonly redisUrl: string | undefined;
}

/** What it is asked while it runs: the lanes of a tenant, to be sent to `answer`. */
export interface LanesAsked {
  readonly tenant: string;
  readonly answer: MessagePort;
}

export interface WorkerThreadParts {
  /** The log that only this thread of the process may write; absent where every thread has a client of its own. */
  readonly log: EventLog | undefined;
  readonly redisUrl: string | undefined;
  readonly onError: (error: unknown) => void;
}

export class WorkerThread implements Lanes, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly thread: ServiceThread;

  constructor({ log, redisUrl, onError }: WorkerThreadParts) {
    this.thread = new ServiceThread({
      of: 'worker',
      file: new URL('./worker-runner.js', import.meta.url),
      onError,
      given: () => {
        const logPort = log && portTo(log);
        const transferList = logPort === undefined ? [] : [logPort];
        return { workerData: { logPort, redisUrl } satisfies WorkerData, transferList };
      },
    });
  }

  /** For the time until the application starts. */
  load(): void {
    this.thread.load();
  }

  /** @throws what kept it from starting */
  onApplicationBootstrap(): Promise<void> {
    return this.thread.start();
  }

  /** Drains: attempts under way are recorded, or made again after the next start. */
  beforeApplicationShutdown(): Promise<void> {
    return this.thread.stop();
  }

  /** None while the thread is started again. */
  async status(tenant: string): Promise<readonly LaneStatus[]> {
    const { port1, port2 } = new MessageChannel();
    if (!this.thread.tell({ tenant, answer: port2 } satisfies LanesAsked, [port2])) return [];
    // A thread that dies closes its ports.
    const answer = await Promise.race([once(port1, 'message'), once(port1, 'close')]);
    port1.close();
    return (answer[0] as readonly LaneStatus[] | undefined) ?? [];
  }
}

function portTo(log: EventLog): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serveThread(log, port1);
  return port2;
}
