// Reads a Redis address: a TCP URL that the driver understands itself, or the URL of a unix socket.

export interface RedisSocket {
  readonly path: string;
  readonly db: number;
  readonly password?: string;
}

/**
 * The options of a `unix:///path` or `redis+unix:///path` URL with `?db=` and `?password=`; undefined for `redis://` and
 * `rediss://`, which the driver reads itself.
 * @throws TypeError for anything else; the message does not repeat the URL, which may carry a password
 */
export function redisSocketOf(url: string): RedisSocket | undefined {
  if (!URL.canParse(url)) throw new TypeError('not a Redis URL');
  const { protocol, pathname, searchParams } = new URL(url);
  if (protocol === 'redis:' || protocol === 'rediss:') return undefined;
  if (protocol !== 'unix:' && protocol !== 'redis+unix:') throw new TypeError('not a Redis URL');
  const password = searchParams.get('password');
  const db = Number(searchParams.get('db') ?? 0);
  return { path: decodeURIComponent(pathname), db, ...(password === null ? {} : { password }) };
}
