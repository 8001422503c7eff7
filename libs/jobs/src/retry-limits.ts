// How often a job whose handler threw is tried again; both adapters keep to it.

/** Handlings in all. After the last one the job is dropped: the sweep finds in the log what is still due. */
export const ATTEMPTS = 5;

/** Wait in ms before handling number `made + 1`: 100, 200, 400, 800. */
export const backoffMs = (made: number): number => FIRST_BACKOFF_MS * 2 ** (made - 1);

export const FIRST_BACKOFF_MS = 100;
