// Makes events of changes of membership, each small enough for the log.
import type { NewEvent, RoleMember } from '@app/events';
import { newEvent, type EventContext } from '@app/event-log';
import type { RoleChange } from './membership.js';

/** Bytes, about: an append of the log takes 1 MiB. */
const PER_EVENT = 100_000;
const PER_APPEND = 700_000;
/** An id and what JSON needs around it. */
const PER_MEMBER = 80;

type Step =
  { readonly in: 'added' | 'changed'; readonly member: RoleMember } | { readonly in: 'removed'; readonly id: string };

const weightOf = (step: Step): number =>
  PER_MEMBER + (step.in === 'removed' ? 0 : step.member.sources.reduce((sum, source) => sum + source.length + 3, 0));

/**
 * What takes away comes first.
 * @param spent bytes that the append holds already
 * @returns `rest`: what did not fit, and has to be decided again once this is appended
 */
export function roleEvents(
  changes: readonly RoleChange[],
  context: EventContext,
  spent = 0,
): { events: NewEvent[]; spent: number; rest: boolean } {
  const events: NewEvent[] = [];
  let total = spent;
  for (const { roleId, added, changed, removed } of changes) {
    const steps: Step[] = [
      ...removed.map((id) => ({ in: 'removed', id }) as const),
      ...changed.map((member) => ({ in: 'changed', member }) as const),
      ...added.map((member) => ({ in: 'added', member }) as const),
    ];
    for (let at = 0; at < steps.length;) {
      if (total >= PER_APPEND) return { events, spent: total, rest: true };
      const start = at;
      for (let weight = 0; at < steps.length && weight < PER_EVENT; at += 1) {
        weight += weightOf(steps[at] as Step);
        total += weightOf(steps[at] as Step);
      }
      events.push(eventOf(roleId, steps.slice(start, at), context));
    }
  }
  return { events, spent: total, rest: false };
}

function eventOf(roleId: string, steps: readonly Step[], context: EventContext): NewEvent {
  const data = { roleId, added: [] as RoleMember[], changed: [] as RoleMember[], removed: [] as string[] };
  for (const step of steps) {
    if (step.in === 'removed') data.removed.push(step.id);
    else data[step.in].push(step.member);
  }
  return newEvent('RoleMembershipChanged', data, context);
}
