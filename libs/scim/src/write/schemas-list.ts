// Checks the `schemas` list that every request body carries (RFC 7643 section 3).
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import type { Tolerance } from '../quirks.js';

/**
 * Checks that `required` is listed and that nothing unknown is.
 * @param known whether a lower-cased URN may be listed besides
 */
export function checkSchemas(
  body: { [key: string]: ScimValue },
  required: string,
  known: (urn: string) => boolean,
  tolerance: Tolerance,
): void {
  const key =
    'schemas' in body ? 'schemas' : (Object.keys(body).find((k) => k.toLowerCase() === 'schemas') ?? 'schemas');
  const listed = body[key];
  if (typeof listed === 'string') {
    tolerance.tolerate('object-for-list', () => ScimError.invalidSyntax('"schemas" must be a list of URNs.'));
  }
  const urns = Array.isArray(listed) ? listed : typeof listed === 'string' ? [listed] : [];
  let found = false;
  for (const urn of urns) {
    if (typeof urn !== 'string') throw ScimError.invalidSyntax('"schemas" must be a list of URNs.');
    if (urn === required || urn.toLowerCase() === required.toLowerCase()) found = true;
    else if (!known(urn)) {
      tolerance.tolerate('unknown-schema', () =>
        ScimError.invalidSyntax('"schemas" lists a schema that is not known here.'),
      );
    }
  }
  if (!found) tolerance.tolerate('schemas-missing', () => ScimError.invalidSyntax(`"schemas" must list ${required}.`));
}
