// Reads answers of the service, and stops the story at the first that is not what it must be.
import type { ApiAnswer } from '@app/testkit';

/** @throws when the answer has another status: nothing after it would mean anything */
export function must<T>(answer: ApiAnswer<T>, status: number): T {
  if (answer.status === status) return answer.body;
  throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
}
