// Dates of the schema type dateTime (xsd:dateTime) as instants.

const dateTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/i;

/** Milliseconds since 1970 of an xsd:dateTime; without a zone it is UTC. NaN if it is no date. */
export function instantOf(text: string): number {
  const match = dateTime.exec(text);
  if (match === null) return Number.NaN;
  const zoned = match[1] === undefined || match[4] !== undefined;
  return Date.parse(zoned ? text : `${text}Z`);
}
