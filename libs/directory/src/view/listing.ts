// Answers a listing: by an index where it names one, by count and page where nothing else is asked, else candidate by candidate.
import type { From, IndexedEquality, Listed, Listing, Placed } from '../directory.queries.js';

/** Candidates in memory at once. */
const CHUNK = 1_000;

/** The resources of one kind in one tenant or connection. Everything comes oldest first. */
export interface Shelf<R extends Placed> {
  count(): Promise<number>;
  slice(offset: number, limit: number): Promise<R[]>;
  /** Those that an index says are equal. */
  equal(equality: IndexedEquality): Promise<R[]>;
  /** Up to `size` beside the place `from`, the nearest first, and where to go on; undefined at the end. */
  page(from: number, size: number, direction?: From['direction']): Promise<{ items: R[]; next: number | undefined }>;
}

export async function list<R extends Placed>(shelf: Shelf<R>, listing: Listing<R>): Promise<Listed<R>> {
  const { equals, matches, order, offset, limit, from } = listing;
  if (equals !== undefined) {
    const found = await shelf.equal(equals);
    return windowOf(matches === undefined ? found : found.filter(matches), listing);
  }
  if (order !== undefined) return windowOf(await everyMatch(shelf, listing), listing);
  if (from !== undefined) return fromPlace(shelf, listing, from);
  if (matches === undefined) {
    const total = await shelf.count();
    return { total, items: limit > 0 && offset < total ? await shelf.slice(offset, limit) : [] };
  }
  return stream(shelf, listing);
}

/** The page that was asked for of a list that is in memory, by index or from a place on. */
export function windowOf<R extends Placed>(found: readonly R[], listing: Listing<R>): Listed<R> {
  const { order, offset, limit, from } = listing;
  if (from !== undefined) return cut(found, listing, from);
  const ordered = order === undefined ? found : [...found].sort(order);
  return { total: found.length, items: ordered.slice(offset, offset + limit) };
}

async function* candidates<R extends Placed>(
  shelf: Shelf<R>,
  from = -1,
  direction: From['direction'] = 'after',
): AsyncGenerator<R[]> {
  for (let at: number | undefined = from; at !== undefined;) {
    const page: { items: R[]; next: number | undefined } = await shelf.page(at, CHUNK, direction);
    yield page.items;
    at = page.next;
  }
}

/** Keeps the window only; counts the rest. */
async function stream<R extends Placed>(
  shelf: Shelf<R>,
  { matches = () => true, offset, limit }: Listing<R>,
): Promise<Listed<R>> {
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

async function everyMatch<R extends Placed>(
  shelf: Shelf<R>,
  { matches = () => true }: Pick<Listing<R>, 'matches'>,
): Promise<R[]> {
  const found: R[] = [];
  for await (const chunk of candidates(shelf)) found.push(...chunk.filter(matches));
  return found;
}

async function fromPlace<R extends Placed>(shelf: Shelf<R>, listing: Listing<R>, from: From): Promise<Listed<R>> {
  const total = from.total ?? (await counted(shelf, listing));
  if (listing.limit === 0) return { total, items: [] };
  const found = await nearest(shelf, listing, from);
  return { total, ...edged(found, listing.limit, from) };
}

async function counted<R extends Placed>(shelf: Shelf<R>, { matches }: Listing<R>): Promise<number> {
  if (matches === undefined) return shelf.count();
  let total = 0;
  for await (const chunk of candidates(shelf)) for (const candidate of chunk) if (matches(candidate)) total += 1;
  return total;
}

/** One more than the page holds, where there is one: then there is another page. */
async function nearest<R extends Placed>(
  shelf: Shelf<R>,
  { matches, limit }: Listing<R>,
  { seq, direction }: From,
): Promise<R[]> {
  if (matches === undefined) return (await shelf.page(seq, limit + 1, direction)).items;
  const found: R[] = [];
  for await (const chunk of candidates(shelf, seq, direction)) {
    for (const candidate of chunk) if (found.length <= limit && matches(candidate)) found.push(candidate);
    if (found.length > limit) break;
  }
  return found;
}

/** A page of what was found from a place on, and the places beside it. */
function edged<R extends Placed>(
  found: readonly R[],
  limit: number,
  { seq, direction }: From,
): Omit<Listed<R>, 'total'> {
  const onwards = found.slice(0, limit);
  const items = direction === 'after' ? onwards : onwards.reverse();
  const more = found.length > limit;
  // Beside an empty page lies the place it was asked from, with what stands there.
  const first = { seq: items[0]?.seq ?? seq + 1, index: 0 };
  const last = { seq: items.at(-1)?.seq ?? seq - 1, index: 0 };
  const isFirst = direction === 'after' ? seq < 0 : !more;
  const isLast = direction === 'after' ? !more : false;
  return { items, ...(isFirst ? {} : { before: first }), ...(isLast ? {} : { after: last }) };
}

/** A page of a list that is in memory anyway, found again by the resource it ended with. */
function cut<R extends Placed>(found: readonly R[], { order, limit }: Listing<R>, from: From): Listed<R> {
  const total = found.length;
  if (limit === 0) return { total, items: [] };
  const ordered = order === undefined ? found : [...found].sort(order);
  const known = ordered.findIndex(({ seq }) => seq === from.seq);
  const at = known < 0 ? Math.min(from.index, total) : known;
  const forwards = from.direction === 'after';
  const start = forwards ? at + (known < 0 ? 0 : 1) : Math.max(0, at - limit);
  const end = forwards ? Math.min(total, start + limit) : at;
  const place = (index: number) => ({ seq: ordered[index]?.seq ?? -1, index });
  return {
    total,
    items: ordered.slice(start, end),
    ...(start > 0 ? { before: place(start) } : {}),
    ...(end < total ? { after: place(end - 1) } : {}),
  };
}
