// Answers a listing: by an index where it names one, by count and page where nothing else is asked, else candidate by candidate.
import type { IndexedEquality, Listed, Listing } from '../directory.queries.js';

/** Candidates in memory at once. */
const CHUNK = 1_000;

/** The resources of one kind in one tenant. Everything comes oldest first. */
export interface Shelf<R> {
  count(): Promise<number>;
  slice(offset: number, limit: number): Promise<R[]>;
  /** Those that an index says are equal. */
  equal(equality: IndexedEquality): Promise<R[]>;
  /** Up to `size` after `after`, and where to go on; undefined at the end. */
  page(after: number, size: number): Promise<{ items: R[]; next: number | undefined }>;
}

export async function list<R>(shelf: Shelf<R>, listing: Listing<R>): Promise<Listed<R>> {
  const { equals, matches, order, offset, limit } = listing;
  if (equals !== undefined) {
    const found = await shelf.equal(equals);
    return windowOf(matches === undefined ? found : found.filter(matches), listing);
  }
  if (matches === undefined && order === undefined) {
    const total = await shelf.count();
    return { total, items: limit > 0 && offset < total ? await shelf.slice(offset, limit) : [] };
  }
  return order === undefined ? stream(shelf, listing) : windowOf(await everyMatch(shelf, listing), listing);
}

function windowOf<R>(found: readonly R[], { order, offset, limit }: Listing<R>): Listed<R> {
  const ordered = order === undefined ? found : [...found].sort(order);
  return { total: found.length, items: ordered.slice(offset, offset + limit) };
}

async function* candidates<R>(shelf: Shelf<R>): AsyncGenerator<R[]> {
  for (let after: number | undefined = -1; after !== undefined;) {
    const page: { items: R[]; next: number | undefined } = await shelf.page(after, CHUNK);
    yield page.items;
    after = page.next;
  }
}

/** Keeps the window only; counts the rest. */
async function stream<R>(shelf: Shelf<R>, { matches = () => true, offset, limit }: Listing<R>): Promise<Listed<R>> {
  const items: R[] = [];
  let total = 0;
  for await (const chunk of candidates(shelf)) {
    for (const candidate of chunk) {
      if (!matches(candidate)) continue;
      if (total >= offset && items.length < limit) items.push(candidate);
      total += 1;
    }
  }
  return { total, items };
}

async function everyMatch<R>(shelf: Shelf<R>, { matches = () => true }: Listing<R>): Promise<R[]> {
  const found: R[] = [];
  for await (const chunk of candidates(shelf)) found.push(...chunk.filter(matches));
  return found;
}
