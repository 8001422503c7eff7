// Folds a run of facts about whether users may act into few statements: identity providers send them by the thousand.
import type { RecordedEvent } from '@app/events';
import { rowGroups, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { SubjectsDb, SubjectState } from './subjects.view.js';

export type UserState = Extract<
  RecordedEvent,
  { type: 'UserProvisioned' | 'UserDeactivated' | 'UserReactivated' | 'UserDeleted' }
>;

interface Known {
  readonly tenant: string;
  readonly userId: string;
  readonly state: SubjectState;
  /** undefined: as before. */
  readonly generation: number | undefined;
}

export const isUserState = (event: RecordedEvent): event is UserState =>
  event.type === 'UserProvisioned' ||
  event.type === 'UserDeactivated' ||
  event.type === 'UserReactivated' ||
  event.type === 'UserDeleted';

function after(before: Known | undefined, event: UserState): Known {
  const known = { tenant: event.metadata.tenant, userId: event.data.userId };
  switch (event.type) {
    case 'UserProvisioned':
      return { ...known, state: event.data.active ? 'active' : 'deactivated', generation: 1 };
    case 'UserReactivated':
      return { ...known, state: 'active', generation: event.data.generation };
    case 'UserDeactivated':
      return { ...known, state: 'deactivated', generation: before?.generation };
    case 'UserDeleted':
      return { ...known, state: 'deleted', generation: before?.generation };
  }
}

/** Leaves the same rows as one statement per event, in order. */
export async function applyUserStates(trx: Kysely<SubjectsDb>, events: readonly UserState[]): Promise<void> {
  const last = new Map<string, Known>();
  for (const event of events) {
    const key = `${event.metadata.tenant} ${event.data.userId}`;
    last.set(key, after(last.get(key), event));
  }
  const [withGeneration, without] = [[] as Known[], [] as Known[]];
  for (const known of last.values()) (known.generation === undefined ? without : withGeneration).push(known);
  for (const group of rowGroups(withGeneration)) await put(trx, group, ', generation = excluded.generation');
  for (const group of rowGroups(without)) await put(trx, group, '');
}

async function put(trx: Kysely<SubjectsDb>, group: readonly Known[], alsoSet: string): Promise<void> {
  const rows = group.map(() => "(?, 'user', ?, ?, ?)").join(', ');
  const text = `insert into held_subjects (tenant, subject_type, subject_id, state, generation) values ${rows}
    on conflict (tenant, subject_type, subject_id) do update set state = excluded.state${alsoSet}`;
  await run(
    trx,
    text,
    group.flatMap(({ tenant, userId, state, generation = 1 }) => [tenant, userId, state, generation]),
  );
}
