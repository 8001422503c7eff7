// The tables of what each client sends, and what it must come to.
import { readFileSync, readdirSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { RecordedEvent } from '@app/events';

export const PHASES = ['look up', 'provision', 'update', 'group push', 'deactivate', 'reactivate', 'delete'] as const;
export type Phase = (typeof PHASES)[number];

/** An event by its type, or with a part of its data. */
export type Expected = string | { readonly type: string; readonly data?: object };

export interface Step {
  readonly name: string;
  readonly does: Phase;
  /** `PATCH /Users/{ada}`: what is in braces was kept by an earlier step. */
  readonly send: string;
  readonly with?: object;
  readonly status: number;
  /** Part of the body of the answer. */
  readonly body?: object;
  readonly absent?: readonly string[];
  /** The name the id in the answer is kept under. */
  readonly keep?: string;
  /** Exactly what was appended; nothing when absent. */
  readonly events?: readonly Expected[];
}

export interface Conversation {
  readonly client: string;
  /** What this client does not do at all. */
  readonly never: readonly Phase[];
  readonly steps: readonly Step[];
}

/** One request to a user, a group or a stopped application that has just been made. */
export interface Shape {
  readonly name: string;
  readonly type: 'User' | 'Group' | 'AgenticApplication';
  readonly method: 'PATCH' | 'PUT' | 'DELETE';
  readonly operations?: readonly object[];
  readonly with?: object;
  readonly events: readonly Expected[];
}

export interface Refusal {
  readonly status: number;
  readonly scimType: string;
}

/** A case of the engine: one write, and what it comes to in either dialect. */
export interface EngineCase {
  readonly name: string;
  readonly type?: 'User' | 'Group' | 'Agent' | 'AgenticApplication';
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  readonly source?: object;
  readonly members?: readonly string[];
  readonly ops?: readonly object[];
  readonly body?: unknown;
  readonly noop?: boolean;
  readonly error?: Refusal;
  /** As lenient when absent; `differs`: accepted with another meaning. */
  readonly strict?: Refusal | 'differs';
}

const read = <T>(path: string): T => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T;
const tablesIn = <T>(folder: string): ReadonlyMap<string, T> =>
  new Map(
    readdirSync(new URL(folder, import.meta.url))
      .filter((file) => file.endsWith('.json'))
      .map((file) => [file.replace('.json', ''), read<T>(folder + file)]),
  );

export const conversations = tablesIn<Conversation>('./clients/');
export const shapes = tablesIn<readonly Shape[]>('./shapes/');
/** The cases of the engine, which it passes without a service too. */
export const engineCases = tablesIn<readonly EngineCase[]>('../../libs/scim/src/cases/');
/** What is known of each client, and the steps that show it: `okta-custom: deactivates by PUT`. */
export const knownOfClients =
  read<Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>>('./known-of-clients.json');

/** Puts what was kept where its name stands in braces. */
export function filled<T>(value: T, kept: ReadonlyMap<string, string>): T {
  if (value === undefined) return value;
  const text = JSON.stringify(value).replaceAll(/\{(\w+)\}/g, (all, name: string) => kept.get(name) ?? all);
  return JSON.parse(text) as T;
}

/** The body of a PATCH. */
export const patch = (...operations: readonly object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: operations,
});

export function expectEvents(appended: readonly RecordedEvent[], expected: readonly Expected[]): void {
  const wanted = expected.map((event) => (typeof event === 'string' ? { type: event } : event));
  expect(appended.map(({ type, data }) => ({ type, data }))).toMatchObject(wanted);
}
