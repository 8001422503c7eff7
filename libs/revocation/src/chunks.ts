// Cuts long lists, so that SQL statements stay below the parameter limits of both dialects.

/** @param size default 500 */
export function* chunksOf<T>(items: readonly T[], size: number = 500): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
