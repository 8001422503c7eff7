// Waiting with an end: for answers, and for work that is under way when the queue is closed.

/** How long aborted work gets to return. */
const ABORT_GRACE_MS = 1_000;

/** @returns whether the promise settled within `ms`; never rejects */
export async function settledWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const settled = promise.then(
    () => true,
    () => true,
  );
  const answer = await Promise.race([settled, timeout]);
  clearTimeout(timer);
  return answer;
}

/** Waits for `work` at most `ms`, then aborts it and waits a little more. */
export async function drain(work: Promise<unknown>, ms: number, aborter: AbortController): Promise<void> {
  if (await settledWithin(ms, work)) return;
  aborter.abort();
  await settledWithin(ABORT_GRACE_MS, work);
}
