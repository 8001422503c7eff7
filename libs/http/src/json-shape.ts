// Finds JSON objects that name a key twice: parsers differ in which of the two they keep, so neither is what was meant.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Colons outside of strings: one for each key that was written. */
function keysWritten(json: Uint8Array): number {
  let keys = 0;
  let quoted = false;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i];
    if (quoted) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === COLON) keys += 1;
  }
  return keys;
}

/** Not recursive: how deep a body is nested is for others to judge. */
function keysKept(parsed: unknown): number {
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

/** @param json valid JSON in UTF-8, and `parsed` what JSON.parse made of it */
export const hasDuplicateKeys = (json: Uint8Array, parsed: unknown): boolean => keysWritten(json) !== keysKept(parsed);
