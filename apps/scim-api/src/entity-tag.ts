// ETags: the revision of a resource's stream, as a weak tag (RFC 7644 section 3.14, RFC 9110 section 8.8.3).
import { ScimError } from '@app/scim';

export const entityTag = (revision: bigint): string => `W/"${revision}"`;

/** The opaque parts of the tags in a header; `*` means any. SCIM compares weak tags even in If-Match. */
function tagsOf(header: string): '*' | readonly string[] {
  if (header.trim() === '*') return '*';
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map((match) => match[1] as string);
}

/** Whether a header names this revision. */
export function isNamed(header: string, revision: bigint): boolean {
  const tags = tagsOf(header);
  return tags === '*' || tags.includes(revision.toString());
}

/** Whether If-None-Match names this revision, so that 304 is the answer. */
export const isUnchanged = (header: string | undefined, revision: bigint): boolean =>
  header !== undefined && isNamed(header, revision);

interface Preconditions {
  readonly ifMatch?: string | undefined;
  /** Of a write: the revisions that it must not meet. */
  readonly ifNoneMatch?: string | undefined;
}

/**
 * The revision that a write demands; undefined when any will do.
 * @param current asked only if the headers leave a choice; throws when there is no such resource
 * @throws ScimError 412 if no revision can satisfy the headers
 */
export async function demandedRevision(
  { ifMatch, ifNoneMatch }: Preconditions,
  current: () => Promise<bigint>,
): Promise<bigint | undefined> {
  if (ifNoneMatch !== undefined && isNamed(ifNoneMatch, await current())) throw ScimError.preconditionFailed();
  if (ifMatch === undefined) return undefined;
  const tags = tagsOf(ifMatch);
  if (tags === '*') return undefined;
  const [only] = tags;
  if (tags.length === 1 && only !== undefined && /^\d{1,18}$/.test(only)) return BigInt(only);
  const revision = await current();
  if (!tags.includes(revision.toString())) throw ScimError.preconditionFailed();
  return revision;
}
