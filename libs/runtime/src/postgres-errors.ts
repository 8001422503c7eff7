// What PostgreSQL and the way to it may fail with: away for a while, or not to be used as it is configured.

/** Of the connection, by the system. */
const AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** SQLSTATE: connection exceptions, too many connections, shutting down, crashed, starting. */
const AWAY_STATE = /^(08...|53300|57P0[1-3])$/;
/** The driver says these in words only. */
const AWAY_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

type Failure = Partial<NodeJS.ErrnoException & Pick<AggregateError, 'errors'>>;

/** Whether a query failed because the database cannot be reached at this moment: the same query may succeed later. */
export function isDatabaseAway(error: unknown): boolean {
  const { code, message, errors } = (error ?? {}) as Failure;
  if (typeof code === 'string') return AWAY.has(code) || AWAY_STATE.test(code);
  // A name with several addresses, none of which answered.
  if (Array.isArray(errors)) return errors.some(isDatabaseAway);
  return typeof message === 'string' && AWAY_WORDS.test(message);
}

/** The reason in the words of the server or the system; neither repeats the URL or a password. */
export function databaseReason(error: unknown): string {
  const { code = 'unknown', message = '', errors } = error as Failure;
  if (Array.isArray(errors) && errors.length > 0) return databaseReason(errors[0]);
  return message === '' ? code : message;
}
