// A place in a list ordered by time and id, as an opaque text.

export interface Cursor {
  readonly at: string;
  readonly id: string;
}

/** The text is not a cursor that one of our lists gave out. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor';
}

export const cursorOf = ({ at, id }: Cursor): string => Buffer.from(`${at} ${id}`).toString('base64url');

/** @throws InvalidCursor */
export function readCursor(cursor: string): Cursor {
  const [, at, id] = /^(\d{4}-\d\d-\d\dT\S+Z) (\S+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (at === undefined || id === undefined) throw new InvalidCursor('the cursor was not given out by this list');
  return { at, id };
}
