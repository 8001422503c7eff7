import { describe, expect, it } from '@jest/globals';
import { NotYetVisible, ReadModels } from '@app/event-log';
import { RoleAwareReadModels } from './role-aware-read-models.js';

/** What was waited for, in order. */
function world({ inForce = true, appendedTo = -1n, late = false } = {}) {
  const waited: string[] = [];
  class Views extends ReadModels {
    override reached(position: bigint): Promise<void> {
      waited.push(`views ${position}`);
      return Promise.resolve();
    }
  }
  const progress = {
    reached: (position: bigint) => {
      waited.push(`roles ${position}`);
      return Promise.resolve(!late);
    },
  };
  const follower = { inForce, appendedTo };
  return { waited, readModels: new RoleAwareReadModels({ views: new Views(), follower, progress }) };
}

describe('a write', () => {
  it('waits for the views alone as long as there are no roles', async () => {
    const { waited, readModels } = world({ inForce: false, appendedTo: 9n });
    await readModels.reached(7n);
    expect(waited).toEqual(['views 7']);
  });

  it('waits for the roles, and then for the views to know what was recorded because of it', async () => {
    const { waited, readModels } = world({ appendedTo: 9n });
    await readModels.reached(7n);
    expect(waited).toEqual(['views 7', 'roles 7', 'views 9']);
  });

  it('waits no second time when nothing was recorded since', async () => {
    const { waited, readModels } = world({ appendedTo: 5n });
    await readModels.reached(7n);
    expect(waited).toEqual(['views 7', 'roles 7']);
  });

  it('is not answered with success when the roles are late', async () => {
    await expect(world({ late: true }).readModels.reached(7n)).rejects.toThrow(NotYetVisible);
  });
});
