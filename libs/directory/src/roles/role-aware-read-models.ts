// Answers a write only when the roles that it gives or takes are known to the gate too: deny first holds for them as well.
import { NotYetVisible, ReadModels } from '@app/event-log';
import type { RoleFollower } from './role-follower.js';

export interface RoleAwareParts {
  /** The directory and the gate. */
  readonly views: ReadModels;
  readonly follower: Pick<RoleFollower, 'inForce' | 'appendedTo'>;
  /** How far the follower has come. */
  readonly progress: { reached(position: bigint, timeoutMs: number): Promise<boolean> };
}

/** Costs nothing as long as no tenant has a role. */
export class RoleAwareReadModels extends ReadModels {
  constructor(private readonly parts: RoleAwareParts) {
    super();
  }

  override async reached(position: bigint, timeoutMs = 2_000): Promise<void> {
    const { views, follower, progress } = this.parts;
    await views.reached(position, timeoutMs);
    if (!follower.inForce) return;
    if (!(await progress.reached(position, timeoutMs))) {
      throw new NotYetVisible(`the roles have not been decided up to position ${position} within ${timeoutMs} ms`);
    }
    const { appendedTo } = follower;
    if (appendedTo > position) await views.reached(appendedTo, timeoutMs);
  }
}
