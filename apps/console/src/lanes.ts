// What the console asks the worker of its own process: how each provider's lane is doing.
import type { LaneStatus } from '@app/revocation';

/** Bound where the worker runs in the same process; lanes are in its memory and nowhere else. */
export abstract class Lanes {
  abstract status(tenant: string): Promise<readonly LaneStatus[]>;
}
