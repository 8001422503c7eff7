// The facts of which somebody will ask what came of them: whom they deny loses everything held for them.
import type { EventType } from './catalog.js';

/** Each is answered in the log: by a cascade, or by the record that there was nothing to revoke. */
export const DENIES: ReadonlySet<EventType> = new Set([
  'UserDeactivated',
  'UserDeleted',
  'AgentDeactivated',
  'AgentDeleted',
  'ApplicationDeactivated',
  'ApplicationDeleted',
]);
