// Looks at JSON as it was written: how deep it is nested, and whether an object names a key twice. Parsers differ in which
// of the two they keep, so neither is what was meant.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const ARRAY = 0x5b;
const OBJECT = 0x7b;
/** Letters differ in this bit, and so do `[` and `{`, `]` and `}`. */
const CASE = 0x20;
const END = 0x7d;

export interface JsonShape {
  /** Colons outside of strings: one for each key that was written. */
  readonly keys: number;
  /** Objects and arrays in one another. */
  readonly depth: number;
}

/** @param json UTF-8; of what is not valid JSON the answer means nothing */
export function shapeOf(json: Uint8Array): JsonShape {
  let [keys, open, depth] = [0, 0, 0];
  let quoted = false;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i] as number;
    if (quoted) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === COLON) keys += 1;
    else if (byte === ARRAY || byte === OBJECT) {
      open += 1;
      if (open > depth) depth = open;
    } else if ((byte | CASE) === END) open -= 1;
  }
  return { keys, depth };
}

/** Not recursive: how deep a body may be nested is for others to say. */
export function keysKept(parsed: unknown): number {
  let keys = 0;
  const open: unknown[] = [parsed];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    const inside: unknown[] = Array.isArray(value) ? value : Object.values(value);
    if (!Array.isArray(value)) keys += inside.length;
    for (const item of inside) if (typeof item === 'object') open.push(item);
  }
  return keys;
}
