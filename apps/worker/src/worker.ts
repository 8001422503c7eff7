// The worker role: the engine of the cascade, with the limits it runs under.
import { Engine, type EngineParts } from '@app/revocation';

/** Jobs at once over all lanes: many dead providers can each hold a few and still leave room. */
const JOB_CONCURRENCY = 128;
/** Longest time in ms of one call to a provider, connecting included. */
const CALL_TIMEOUT_MS = 15_000;

export type WorkerParts = Omit<EngineParts, 'jobConcurrency' | 'callTimeoutMs'>;

/** To be started once everything it calls is ready, and stopped before any of that is closed. */
export const workerOf = (parts: WorkerParts): Engine =>
  new Engine({ ...parts, jobConcurrency: JOB_CONCURRENCY, callTimeoutMs: CALL_TIMEOUT_MS });
