// The configuration: one table of options, and the only place that reads the environment.
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import {
  addressBlock,
  base64Bytes,
  flag,
  fraction,
  listOf,
  oneOf,
  optional,
  setting,
  textLike,
  urlWith,
  wholeNumber,
  wholeNumbers,
  type Option,
} from './option.js';

const DAY_MS = 86_400_000;

const role = oneOf('scim', 'platform', 'console', 'worker');
export type Role = NonNullable<ReturnType<typeof role.parse>>;

const roles = listOf<Role>('a comma-separated list of `scim`, `platform`, `console`, `worker`', role.parse);
const directory = { are: 'the path of a directory', parse: (text: string) => resolve(text) };
const file = { are: 'the path of a file', parse: (text: string) => resolve(text) };
const waits = wholeNumbers('a comma-separated list of waits in ms, each from 1 to 2592000000', 1, 30 * DAY_MS);
const listenAddress = textLike('an IP address or host name of this machine', /^[A-Za-z0-9.:-]+$/);
const eventStore = textLike('a URL that starts with `esdb://` or `esdb+discover://`', /^esdb(\+discover)?:\/\/[^\s/]+/);
const publicUrl = {
  are: 'a URL that starts with `http://` or `https://`, without credentials, query and fragment',
  parse: (text: string) =>
    /^https?:\/\/[^\s/@?#]+[^\s@?#]*$/.test(text) && URL.canParse(text) ? text.replace(/\/+$/, '') : undefined,
};
const blocks = listOf<string>('a comma-separated list of address blocks such as `10.0.0.0/8`', addressBlock);
const hosts = listOf<string>(
  'a comma-separated list of host names such as `api.example.com` or `*.example.com`',
  (text) => (/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(text) ? text.toLowerCase() : undefined),
);

/** Every option there is. The reference in docs/configuration.md is made from this table. */
export const options = {
  port: setting('PORT', wholeNumber(0, 65_535), '8080', 'The TCP port to listen on; 0 takes any free one.'),
  host: setting('HOST', listenAddress, '127.0.0.1', 'The address to listen on; `0.0.0.0` for all IPv4 addresses.'),
  publicUrl: optional(
    'PUBLIC_URL',
    publicUrl,
    'made from HOST and the port',
    'The base URL under which clients reach the service.',
  ),
  roles: setting('ROLES', roles, 'scim,platform,console,worker', 'The parts of the service that this process runs.'),
  dataDir: setting('DATA_DIR', directory, './.data', 'The directory of everything that is kept in files.'),
  eventLog: setting(
    'EVENTLOG',
    oneOf('sqlite', 'eventstoredb'),
    'sqlite',
    'Where the event log is kept: a SQLite file in DATA_DIR, or EventStoreDB.',
  ),
  eventStoreUrl: optional(
    'EVENTSTORE_URL',
    eventStore,
    'needed with `EVENTLOG=eventstoredb`',
    'The EventStoreDB server or cluster.',
  ),
  databaseUrl: optional(
    'DATABASE_URL',
    urlWith('postgres', 'postgresql'),
    'SQLite files in DATA_DIR',
    'The PostgreSQL database of the views and the vault; set before the first start, because no vault is moved.',
  ),
  redisUrl: optional(
    'REDIS_URL',
    urlWith('redis', 'rediss', 'unix'),
    'a private Redis server where one is installed',
    'The Redis server of the job queue. Two deployments need two databases of it (`redis://host/1`).',
  ),
  jobs: setting(
    'JOBS',
    oneOf('auto', 'redis', 'in-process'),
    'auto',
    'The job queue: on Redis, in this process, or on Redis where there is one (`auto`).',
  ),
  vaultKey: optional(
    'VAULT_KEY',
    base64Bytes(32),
    'the file `vault.key` in DATA_DIR, made at the first start',
    'The root key that the secrets are encrypted under.',
  ),
  scimExtensions: optional(
    'SCIM_EXTENSIONS',
    file,
    'only the schemas of the RFCs',
    'The JSON file of the extensions beside those of the RFCs, by tenant; the same for every process.',
  ),
  scimResourceTypes: optional(
    'SCIM_RESOURCE_TYPES',
    file,
    'only the resource types of the RFCs and drafts',
    'The JSON file of the resource types that are served beside those of the RFCs, by tenant.',
  ),
  scimRequestsPerSecond: setting(
    'SCIM_REQUESTS_PER_SECOND',
    wholeNumber(0, 1_000_000),
    '0',
    'The most requests per second of one SCIM connection at this process, and twice as many at once; 0 sets no limit.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'The least severe lines that are logged.',
  ),
  retryCurveMs: optional('RETRY_CURVE_MS', waits, 'ten waits from 5 s to 24 h', 'The waits between failed attempts.'),
  retryJitter: optional('RETRY_JITTER', fraction, '0.2', 'The share by which each wait is spread up and down.'),
  sweepIntervalMs: setting(
    'SWEEP_INTERVAL_MS',
    wholeNumber(100, 3_600_000),
    '5000',
    'The time in ms between two searches for work that is due but not queued.',
  ),
  laneConcurrency: setting(
    'LANE_CONCURRENCY',
    wholeNumber(1, 10_000),
    '400',
    'The most revocations in flight at once per tenant and provider.',
  ),
  outboundAllowLoopback: setting(
    'OUTBOUND_ALLOW_LOOPBACK',
    flag,
    'false',
    'Whether providers on the loopback addresses of this machine may be called.',
  ),
  outboundAllowHttp: setting('OUTBOUND_ALLOW_HTTP', flag, 'false', 'Whether providers may be called without TLS.'),
  outboundPrivateNetworks: optional(
    'OUTBOUND_PRIVATE_NETWORKS',
    blocks,
    'none',
    'The private networks in which providers may be called.',
  ),
  outboundAllowedHosts: optional(
    'OUTBOUND_ALLOWED_HOSTS',
    hosts,
    'every public host',
    'The only hosts that providers may be called at.',
  ),
  shutdownTimeoutMs: setting(
    'SHUTDOWN_TIMEOUT_MS',
    wholeNumber(0, 600_000),
    '10000',
    'The time in ms that work in progress is given to end when the process is told to stop.',
  ),
} as const;

type ValueOf<O> = O extends Option<infer T> ? T : never;

/** The value of every option. `vaultKey` and the URLs may hold secrets: never log this object. */
export type Config = { readonly [K in keyof typeof options]: ValueOf<(typeof options)[K]> };

/** The configuration does not hold together. Names options and how to mend them, never their values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    const heading = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The configuration has ${heading}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads every option; an empty text counts as absent.
 * @throws {ConfigError} that lists all problems at once
 */
export function readConfig(env: Environment = process.env): Config {
  const problems: string[] = [];
  const config = Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, valueOf(option as Option<unknown>, env, problems)]),
  ) as unknown as Config;
  if (config.eventLog === 'eventstoredb' && !env['EVENTSTORE_URL']?.trim()) {
    problems.push(`EVENTLOG is eventstoredb but EVENTSTORE_URL is not set. Set EVENTSTORE_URL to ${eventStore.are}.`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function valueOf(option: Option<unknown>, env: Environment, problems: string[]): unknown {
  const { name, values, fallback } = option;
  const given = env[name]?.trim();
  const text = given === undefined || given === '' ? fallback : given;
  if (text === undefined) return undefined;
  const value = values.parse(text);
  if (value === undefined) {
    const without = fallback === undefined ? 'or leave it out' : `or leave it out for ${fallback}`;
    problems.push(`${name} has a value that cannot be used. Set it to ${values.are}, ${without}.`);
  }
  return value;
}

/** The base URL under which clients reach the service, once the port is known. */
export function publicUrlOf({ publicUrl: url, host }: Pick<Config, 'publicUrl' | 'host'>, port: number): string {
  if (url !== undefined) return url;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : isIPv6(host) ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
