// Parses the path of a PATCH operation: attr, attr.sub, attr[filter], attr[filter].sub, URN, URN:attr… (RFC 7644 figure 7).
import { ScimError } from '../errors.js';
import type { Filter } from '../filter/filter.js';
import { parseAttributePath, parseFilter } from '../filter/parse.js';
import type { Attribute, Extension, ResourceType } from '../schema/resource-type.js';

export type PatchPath =
  /** The core schema as a whole, which RFC 7644 knows no path for. */
  | { readonly kind: 'core' }
  | { readonly kind: 'extension'; readonly extension: Extension }
  | {
      readonly kind: 'attribute';
      readonly attribute: Attribute;
      /** Selects elements of a multi-valued attribute. */
      readonly filter: Filter | undefined;
      readonly sub: Attribute | undefined;
    };

const invalid = (): ScimError => ScimError.invalidPath('The path is not a valid attribute path.');

/** The index of the `]` that closes the `[` at `open`, skipping quoted strings; -1 if there is none. */
function closingBracket(text: string, open: number): number {
  let quoted = false;
  for (let i = open + 1; i < text.length; i += 1) {
    const character = text[i];
    if (quoted && character === '\\') i += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === ']' && !quoted) return i;
  }
  return -1;
}

/** Splits `emails[type eq "work"].value` into its attribute, filter and sub-attribute. */
function split(text: string): { plain: string; filter: Filter | undefined } {
  const open = text.indexOf('[');
  if (open < 0) return { plain: text, filter: undefined };
  const close = closingBracket(text, open);
  if (close < 0) throw invalid();
  const before = text.slice(0, open);
  const after = text.slice(close + 1);
  if (before.includes('.') || (after !== '' && !after.startsWith('.'))) throw invalid();
  return { plain: before + after, filter: parseFilter(text.slice(open + 1, close)) };
}

/**
 * Parses a path of a PATCH operation.
 * @returns undefined if it is well formed but names nothing in the schema
 * @throws ScimError invalidPath (malformed, or a name that reaches prototypes) or invalidFilter
 */
export function parsePath(text: string, type: ResourceType): PatchPath | undefined {
  const prefixed = type.splitUrn(text.trim());
  if (prefixed?.rest === '') {
    if (prefixed.extension === undefined) return { kind: 'core' };
    return { kind: 'extension', extension: prefixed.extension };
  }
  const { plain, filter } = split(prefixed?.rest ?? text.trim());
  const path = parseAttributePath(plain);
  if (path === undefined) throw invalid();
  if (path.urn !== undefined) return undefined;
  const attribute = (prefixed?.extension ?? type).attributes.get(path.name);
  if (attribute === undefined) return undefined;
  const sub = path.sub === undefined ? undefined : attribute.subAttributes.get(path.sub);
  if (path.sub !== undefined && sub === undefined) return undefined;
  if (filter !== undefined && !attribute.multiValued) {
    throw ScimError.invalidPath(`${attribute.path} has one value; a filter selects elements of a list.`);
  }
  return { kind: 'attribute', attribute, filter, sub };
}
