// Reads the URL of a Redis into what the driver connects to, so that nobody but us decides what its parts mean.

interface Database {
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
}

/** A server on the network. */
export interface RedisServer extends Database {
  readonly host: string;
  readonly port: number;
  /** Present: over TLS. */
  readonly tls?: Readonly<Record<string, never>>;
}

/** A socket file of this machine. */
export interface RedisSocket extends Database {
  readonly path: string;
}

/** Options of the driver, complete as far as it matters where it connects to. */
export type RedisAddress = RedisServer | RedisSocket;

/** Does not repeat the URL, which may carry a password. */
export class InvalidRedisUrl extends Error {
  override readonly name = 'InvalidRedisUrl';

  constructor() {
    super(
      'The URL of a Redis is redis://[user:password@]host[:port][/db], the same with rediss://, or unix:///path, with ' +
        '?db= and ?password= where they are not said before, and nothing else.',
    );
  }
}

const PORT = 6_379;
const PARAMETERS = new Set(['db', 'password']);

/**
 * What a `redis://`, `rediss://` or `unix:///path` URL says. The driver is never given the URL itself: it would take any
 * option of its own from the query, the path of a socket included.
 * @throws InvalidRedisUrl
 */
export function redisAddressOf(text: string): RedisAddress {
  if (!URL.canParse(text)) throw new InvalidRedisUrl();
  const url = new URL(text);
  const unknown = [...url.searchParams.keys()].some((name) => !PARAMETERS.has(name));
  if (unknown || url.hash !== '') throw new InvalidRedisUrl();
  if (url.protocol === 'unix:') return socketOf(url);
  if (url.protocol === 'redis:' || url.protocol === 'rediss:') return serverOf(url);
  throw new InvalidRedisUrl();
}

function socketOf(url: URL): RedisSocket {
  const path = decoded(url.pathname);
  if (url.host !== '' || !path.startsWith('/')) throw new InvalidRedisUrl();
  return { path, ...databaseOf(url, undefined) };
}

function serverOf(url: URL): RedisServer {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') throw new InvalidRedisUrl();
  return {
    host,
    port: url.port === '' ? PORT : Number(url.port),
    ...databaseOf(url, url.pathname.slice(1)),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function databaseOf({ username, password, searchParams }: URL, path: string | undefined): Database {
  const db = path || (searchParams.get('db') ?? '0');
  if (!/^\d{1,6}$/.test(db)) throw new InvalidRedisUrl();
  const secret = password === '' ? searchParams.get('password') : decoded(password);
  return {
    db: Number(db),
    ...(username === '' ? {} : { username: decoded(username) }),
    ...(secret === null ? {} : { password: secret }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidRedisUrl();
  }
}
