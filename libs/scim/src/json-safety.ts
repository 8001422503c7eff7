// Refuses request bodies that are hostile in shape: too deep, keys that reach prototypes, strings no store can keep.
import type { ScimValue } from './change-set.js';
import { ScimError } from './errors.js';
import { limits } from './limits.js';

const prototypeKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether a key could reach an object's prototype. */
export const isPrototypeKey = (key: string): boolean => prototypeKeys.has(key.toLowerCase());

/** Whether a string can be stored: no NUL, no lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

function check(value: unknown, depth: number): void {
  if (typeof value === 'string') {
    if (!isStorable(value)) throw ScimError.invalidValue('A string holds a NUL or half a surrogate pair.');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth >= limits.jsonDepth) throw ScimError.invalidSyntax(`The body is nested deeper than ${limits.jsonDepth}.`);
  if (Array.isArray(value)) {
    for (const item of value) check(item, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    if (isPrototypeKey(key)) throw ScimError.invalidSyntax('A key is not an attribute name.');
    if (!isStorable(key)) throw ScimError.invalidSyntax('A key holds a NUL or half a surrogate pair.');
    check((value as Record<string, unknown>)[key], depth + 1);
  }
}

/**
 * Accepts a parsed JSON body as an object that is safe to walk.
 * @throws ScimError invalidSyntax (not an object, too deep, prototype key) or invalidValue (unstorable string)
 */
export function safeObject(body: unknown): { [key: string]: ScimValue } {
  if (!isObject(body)) throw ScimError.invalidSyntax('The body must be a JSON object.');
  check(body, 0);
  return body;
}

/** Whether a JSON value is an object, not an array and not null. */
export function isObject(value: unknown): value is { [key: string]: ScimValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a field of a message whatever its case: names are case insensitive (RFC 7643 section 2.1). */
export function field(object: { [key: string]: ScimValue }, name: string): ScimValue | undefined {
  const exact = object[name];
  if (exact !== undefined) return exact;
  const lower = name.toLowerCase();
  for (const key of Object.keys(object)) if (key.toLowerCase() === lower) return object[key];
  return undefined;
}

/** Parses a JSON document found inside a string; undefined if it is none or is hostile. */
export function parseEmbedded(text: string): ScimValue | undefined {
  const first = text.trimStart()[0];
  if (first !== '{' && first !== '[') return undefined;
  try {
    const value = JSON.parse(text) as ScimValue;
    check(value, 0);
    return value;
  } catch {
    return undefined;
  }
}
