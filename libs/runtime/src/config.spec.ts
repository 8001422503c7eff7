// What the configuration accepts, what it refuses, and that its reference is up to date.
import { describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { format } from 'prettier';
import { configReference } from './config-reference.js';
import { ConfigError, options, publicUrlOf, readConfig } from './config.js';

const REFERENCE = join(import.meta.dirname, '../../../docs/configuration.md');

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      publicUrl: undefined,
      roles: ['scim', 'platform', 'console', 'worker'],
      dataDir: resolve('.data'),
      eventLog: 'sqlite',
      eventStoreUrl: undefined,
      databaseUrl: undefined,
      redisUrl: undefined,
      jobs: 'auto',
      vaultKey: undefined,
      scimExtensions: undefined,
      scimRequestsPerSecond: 0,
      logLevel: 'info',
      retryCurveMs: undefined,
      retryJitter: undefined,
      sweepIntervalMs: 5000,
      laneConcurrency: 400,
      outboundAllowLoopback: false,
      outboundAllowHttp: false,
      outboundPrivateNetworks: undefined,
      outboundAllowedHosts: undefined,
      shutdownTimeoutMs: 10_000,
    });
  });

  it('treats an empty text as absent', () => {
    const empty = Object.fromEntries(Object.values(options).map(({ name }) => [name, ' ']));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });

  it('reads every option', () => {
    const key = Buffer.alloc(32, 7);
    const config = readConfig({
      PORT: '0',
      HOST: '::1',
      PUBLIC_URL: 'https://scim.example.com/',
      ROLES: 'worker, scim,worker',
      DATA_DIR: '/var/lib/cascade',
      EVENTLOG: 'eventstoredb',
      EVENTSTORE_URL: 'esdb://admin:pw@a:2113,b:2113?tls=true',
      DATABASE_URL: 'postgres://u:p@db/cascade',
      REDIS_URL: 'rediss://u:p@redis:6379/1',
      JOBS: 'redis',
      VAULT_KEY: key.toString('base64'),
      SCIM_EXTENSIONS: '/etc/cascade/extensions.json',
      LOG_LEVEL: 'debug',
      RETRY_CURVE_MS: '10, 10,2592000000',
      RETRY_JITTER: '0.05',
      SWEEP_INTERVAL_MS: '250',
      LANE_CONCURRENCY: '1',
      OUTBOUND_ALLOW_LOOPBACK: 'true',
      OUTBOUND_ALLOW_HTTP: 'true',
      OUTBOUND_PRIVATE_NETWORKS: '10.0.0.0/8,fd00::/8',
      OUTBOUND_ALLOWED_HOSTS: 'API.example.com,*.example.org',
      SCIM_REQUESTS_PER_SECOND: '200',
      SHUTDOWN_TIMEOUT_MS: '0',
    });
    expect(config).toEqual({
      port: 0,
      host: '::1',
      publicUrl: 'https://scim.example.com',
      roles: ['worker', 'scim'],
      dataDir: '/var/lib/cascade',
      eventLog: 'eventstoredb',
      eventStoreUrl: 'esdb://admin:pw@a:2113,b:2113?tls=true',
      databaseUrl: 'postgres://u:p@db/cascade',
      redisUrl: 'rediss://u:p@redis:6379/1',
      jobs: 'redis',
      vaultKey: key,
      scimExtensions: '/etc/cascade/extensions.json',
      scimRequestsPerSecond: 200,
      logLevel: 'debug',
      retryCurveMs: [10, 10, 2_592_000_000],
      retryJitter: 0.05,
      sweepIntervalMs: 250,
      laneConcurrency: 1,
      outboundAllowLoopback: true,
      outboundAllowHttp: true,
      outboundPrivateNetworks: ['10.0.0.0/8', 'fd00::/8'],
      outboundAllowedHosts: ['api.example.com', '*.example.org'],
      shutdownTimeoutMs: 0,
    });
  });

  it.each([
    ['PORT', ['65536', '-1', '80.5', '0x50', 'http']],
    ['HOST', ['http://localhost', 'a b']],
    ['PUBLIC_URL', ['scim.example.com', 'https://u:p@scim.example.com', 'https://x/?a=1', 'ftp://x', 'http://x:99999']],
    ['ROLES', ['scim,auditor', 'scim,']],
    ['EVENTLOG', ['kafka']],
    ['EVENTSTORE_URL', ['http://eventstore:2113']],
    ['DATABASE_URL', ['mysql://db/x', 'db']],
    ['REDIS_URL', ['redis:6379', 'http://redis']],
    ['JOBS', ['none']],
    ['VAULT_KEY', ['c2hvcnQ=', Buffer.alloc(33).toString('base64'), `${Buffer.alloc(32).toString('base64')}!`]],
    ['LOG_LEVEL', ['verbose']],
    ['RETRY_CURVE_MS', ['5s', '0', '1,,2', '2592000001']],
    ['RETRY_JITTER', ['1.1', '-0.1', '20%']],
    ['SWEEP_INTERVAL_MS', ['99', '3600001']],
    ['LANE_CONCURRENCY', ['0', '10001']],
    ['OUTBOUND_ALLOW_LOOPBACK', ['yes', '1']],
    ['OUTBOUND_ALLOW_HTTP', ['TRUE']],
    ['OUTBOUND_PRIVATE_NETWORKS', ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'fd00::/129']],
    ['OUTBOUND_ALLOWED_HOSTS', ['https://api.example.com', '*', 'a..b']],
    ['SHUTDOWN_TIMEOUT_MS', ['600001']],
  ])('refuses an unusable %s and names it', (name, texts) => {
    for (const text of texts) {
      const problems = problemsOf({ [name]: text });
      expect([text, problems]).toEqual([text, [expect.stringMatching(new RegExp(`^${name} .*Set it to `))]]);
    }
  });

  it('lists all problems at once', () => {
    const problems = problemsOf({ PORT: 'x', JOBS: 'x', RETRY_JITTER: 'x', EVENTLOG: 'eventstoredb' });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(['PORT', 'JOBS', 'RETRY_JITTER', 'EVENTLOG']);
  });

  it('asks for the URL of the EventStoreDB that it is told to use', () => {
    expect(problemsOf({ EVENTLOG: 'eventstoredb' })).toEqual([
      'EVENTLOG is eventstoredb but EVENTSTORE_URL is not set. Set EVENTSTORE_URL to a URL that starts with `esdb://` or `esdb+discover://`.',
    ]);
  });

  it('never repeats a value', () => {
    const env = Object.fromEntries(Object.values(options).map(({ name }) => [name, `canary ${name} @!`]));
    const { message } = new ConfigError(problemsOf(env));
    // Any text is a path.
    const paths = 3;
    expect(message.match(/\n- /g)).toHaveLength(Object.keys(options).length - paths);
    expect(message).not.toContain('canary');
  });

  it('keeps the files of the service in an absolute directory', () => {
    expect(isAbsolute(readConfig({ DATA_DIR: 'here' }).dataDir)).toBe(true);
  });
});

describe('the public URL', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:81'],
    ['0.0.0.0', 'http://localhost:81'],
    ['::', 'http://localhost:81'],
    ['::1', 'http://[::1]:81'],
  ])('of a service on %s is %s', (host, url) => {
    expect(publicUrlOf({ host, publicUrl: undefined }, 81)).toBe(url);
  });

  it('is the one that was set', () => {
    expect(publicUrlOf({ host: '0.0.0.0', publicUrl: 'https://x' }, 81)).toBe('https://x');
  });
});

describe('docs/configuration.md', () => {
  it('says what the table says; renew it with: UPDATE_DOCS=1 npm run -s jest -- config.spec', async () => {
    const wanted = await format(configReference(), { parser: 'markdown' });
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(REFERENCE, wanted);
    expect(readFileSync(REFERENCE, 'utf8')).toBe(wanted);
  });
});
