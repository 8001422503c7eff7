// Pages of lists, by index or by cursor, over one resource type or over several one after the other.
import type { From, Place } from '@app/directory';
import type { RequestContext } from '@app/events';
import { listResponse, printFilter, type ListParameters, type ListQuery, type ScimValue } from '@app/scim';
import type { Asked, CursorPlace, Cursors } from './cursors.js';

export type Body = { [key: string]: ScimValue };

/** Which of the resources that match. */
export interface Window {
  readonly offset: number;
  readonly limit: number;
  readonly from?: From;
}

export interface Found {
  readonly total: number;
  readonly resources: readonly Body[];
  readonly before?: Place;
  readonly after?: Place;
}

/** A resource type that is listed: what was asked of it, and how to ask it. */
export interface Source {
  readonly name: string;
  readonly query: ListQuery;
  find(window: Window): Promise<Found>;
}

const START: Place = { seq: -1, index: 0 };

/**
 * The ListResponse of the page that was asked for.
 * @param sources at least one, all asked the same
 * @throws ScimError invalidCursor, expiredCursor
 */
export async function pageOf(
  cursors: Cursors,
  context: RequestContext,
  sources: readonly Source[],
  { sortBy, sortOrder }: ListParameters,
): Promise<Body> {
  const { cursor, filter, startIndex, count } = (sources[0] as Source).query;
  if (cursor === undefined) return byIndex(sources, startIndex, count);
  const types = sources.map(({ name }) => name);
  const order = [sortBy, sortOrder].map((one) => (typeof one === 'string' ? one.toLowerCase() : ''));
  const question = JSON.stringify([types, filter === undefined ? '' : printFilter(filter), order]);
  const asked: Asked = { context, question };
  const place = cursor === '' ? undefined : cursors.open(asked, cursor);
  return byCursor(sources, count, place, (next) => cursors.make(asked, next));
}

async function byIndex(sources: readonly Source[], startIndex: number, count: number): Promise<Body> {
  const resources: Body[] = [];
  let totalResults = 0;
  for (const source of sources) {
    const offset = Math.max(0, startIndex - 1 - totalResults);
    const { total, resources: found } = await source.find({ offset, limit: count - resources.length });
    resources.push(...found);
    totalResults += total;
  }
  return listResponse({ resources, totalResults, startIndex });
}

/**
 * The first page counts what there is; the cursors carry the sum along, so that no other page counts again. Several types
 * are walked forwards only.
 */
async function byCursor(
  sources: readonly Source[],
  count: number,
  place: CursorPlace | undefined,
  make: (place: CursorPlace) => string,
): Promise<Body> {
  const { direction = 'after', total = await totalOf(sources) } = place ?? {};
  if (count === 0) return listResponse({ resources: [], totalResults: total });
  const resources: Body[] = [];
  const cursors: { previousCursor?: string; nextCursor?: string } = {};
  const cursor = (type: number, to: From['direction'], at: Place = START) =>
    make({ ...at, type, direction: to, total });
  let at: Place = place ?? START;
  for (let type = place?.type ?? 0; type < sources.length; type += 1, at = START) {
    const { seq, index } = at;
    const limit = count - resources.length;
    const found = await (sources[type] as Source).find({ offset: 0, limit, from: { seq, index, direction, total } });
    resources.push(...found.resources);
    const { before, after } = found;
    if (sources.length === 1 && before !== undefined) cursors.previousCursor = cursor(type, 'before', before);
    if (after !== undefined) cursors.nextCursor = cursor(type, 'after', after);
    else if (resources.length === count && type + 1 < sources.length) cursors.nextCursor = cursor(type + 1, 'after');
    if (cursors.nextCursor !== undefined) break;
  }
  return listResponse({ resources, totalResults: total, ...cursors });
}

async function totalOf(sources: readonly Source[]): Promise<number> {
  let sum = 0;
  for (const source of sources) {
    sum += (await source.find({ offset: 0, limit: 0, from: { ...START, direction: 'after' } })).total;
  }
  return sum;
}
