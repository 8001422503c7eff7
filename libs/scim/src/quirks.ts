// The deviations from the RFCs that identity providers are known for, by name, and how a dialect treats them.
import type { Dialect } from './change-set.js';
import type { ScimError } from './errors.js';

/** One sentence per quirk, as shown to the operator of a connection. */
export const quirkSentences = {
  'boolean-as-string': 'A boolean was sent as a string such as "False".',
  'number-as-string': 'A number was sent as a string.',
  'number-for-string': 'A number or boolean was sent where the schema has a string.',
  'one-element-array': 'A one-element array was sent for a single-valued attribute.',
  'object-for-list': 'A single value was sent for a multi-valued attribute.',
  'string-for-complex': 'A plain string was sent for a complex attribute.',
  'empty-string-clears': 'An empty string was sent to clear a complex attribute.',
  'json-in-string': 'A JSON document was sent inside a string.',
  'whole-list-added': 'All app roles of a user were sent to be added; those that were not sent are gone.',
  'several-primary': 'More than one value was marked as primary; the first was kept.',
  'unknown-attribute': 'An attribute that the schema does not have was sent and dropped.',
  'unknown-schema': 'A schema URN that this server does not know was sent and ignored.',
  'schemas-missing': 'The request did not list the schema it uses in "schemas".',
  'dotted-key': 'A dotted or URN-prefixed key was sent inside a resource or a path-less operation.',
  'core-schema-as-key': 'Core attributes were sent under the URN of their schema.',
  'capitalised-op': 'A PATCH operation was spelt with capitals.',
  'lower-case-method': 'A method in a bulk request was spelt without capitals.',
  base64url: 'Binary data was sent in the alphabet for URLs, or without its padding.',
  'empty-operations': 'A PATCH without operations was sent.',
  'value-array-removal': 'Values to remove were listed in "value" rather than selected by a filter.',
  'remove-without-match': 'A value that is not there was removed.',
  'value-path-created': 'A value path without a match was written; the element was created.',
  'read-only-ignored': 'A read-only attribute was sent in a path-less PATCH and ignored.',
  'immutable-ignored': 'A change of an immutable attribute was sent and ignored.',
  'deactivation-by-post': 'A resource that exists was created again as inactive; it was deactivated.',
  'wrong-member-type': 'A member was said to be a user or a group and is the other; it stays what it is.',
  'unsolicited-password': 'A password was sent; it was not kept.',
} as const;

export type QuirkName = keyof typeof quirkSentences;

/** Counts the quirks of one request; in the strict dialect a quirk is an error instead. */
export class Tolerance {
  readonly counts: Record<string, number> = {};
  readonly lenient: boolean;

  constructor(dialect: Dialect = 'lenient') {
    this.lenient = dialect === 'lenient';
  }

  /** Counts the quirk. */
  note(quirk: QuirkName): void {
    this.counts[quirk] = (this.counts[quirk] ?? 0) + 1;
  }

  /** Counts the quirk, or throws `refusal()` in the strict dialect. */
  tolerate(quirk: QuirkName, refusal: () => ScimError): void {
    if (!this.lenient) throw refusal();
    this.note(quirk);
  }
}
