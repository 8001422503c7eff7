// ETags: the revision of a resource's stream, as a weak tag (RFC 7644 section 3.14, RFC 9110 section 8.8.3).
import { createHash } from 'node:crypto';
import type { NamedRef } from '@app/directory';
import { ScimError } from '@app/scim';

/**
 * The tag of a resource as it is shown: `W/"<revision>"`, and `W/"<revision>-<digest>"` when it is shown with what it is
 * related to. That may change without an event of its own: the groups of a user, the names of members.
 */
export function entityTag(revision: bigint, related: readonly NamedRef[] = []): string {
  if (related.length === 0) return `W/"${revision}"`;
  const hash = createHash('sha256');
  for (const { id, type, display } of related) hash.update(`${type} ${id} ${display ?? ''}\n`);
  return `W/"${revision}-${hash.digest('base64url').slice(0, 12)}"`;
}

/** The opaque parts of the tags in a header; `*` means any. SCIM compares weak tags even in If-Match. */
function tagsOf(header: string): '*' | readonly string[] {
  if (header.trim() === '*') return '*';
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map((match) => match[1] as string);
}

/** Whether a header names this revision, however the resource was shown: a write changes nothing that is only shown. */
export function isNamed(header: string, revision: bigint): boolean {
  const tags = tagsOf(header);
  return tags === '*' || tags.some((tag) => revisionIn(tag) === revision.toString());
}

const revisionIn = (tag: string): string | undefined => /^(\d{1,18})(?:-[\w-]+)?$/.exec(tag)?.[1];

/** Whether If-None-Match names the resource as it is shown, so that 304 is the answer. */
export function isUnchanged(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = tagsOf(header);
  return tags === '*' || tags.some((tag) => etag === `W/"${tag}"`);
}

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
  const [only = ''] = tags;
  const demanded = tags.length === 1 ? revisionIn(only) : undefined;
  if (demanded !== undefined) return BigInt(demanded);
  const revision = await current();
  if (!isNamed(ifMatch, revision)) throw ScimError.preconditionFailed();
  return revision;
}
