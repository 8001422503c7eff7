import { redisAddressOf } from '@app/jobs';
import { describe, expect, it } from '@jest/globals';
import type { buildConnector } from 'undici';
import {
  guardedConnector,
  isAllowedAddress,
  mayConnectToRedis,
  refusalOf,
  type OutboundPolicy,
} from './outbound-policy.js';

const strict: OutboundPolicy = { allowHttp: false, allowLoopback: false };

/** Offers an address to the guard and tells what the connector behind it was given. Nothing is ever connected. */
async function offer(hostname: string, policy: OutboundPolicy, addresses: readonly string[] = []) {
  const reached: string[] = [];
  let resolved = 0;
  const connector = guardedConnector(
    policy,
    async () => {
      resolved += 1;
      return addresses;
    },
    (options, callback) => {
      reached.push(`${options.hostname} as ${options.servername ?? ''}`);
      callback(new Error('stub'), null);
    },
  );
  const options: buildConnector.Options = { hostname, protocol: 'https:', port: '443' };
  const error = await new Promise<Error | null>((resolve) => connector(options, (...answer) => resolve(answer[0])));
  return { reached, resolved, code: (error as { code?: string } | null)?.code };
}

describe('the guard inside connect', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '0.0.0.0',
    '[::1]',
    '[::ffff:7f00:1]',
    '[::ffff:127.0.0.1]',
    '[::7f00:1]',
    '10.0.0.1',
    '172.16.3.4',
    '192.168.1.1',
    '169.254.169.254',
    '[::ffff:a9fe:a9fe]',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[4000::1]',
  ])('refuses the literal %s before a connector sees it', async (hostname) => {
    const { reached, resolved, code } = await offer(hostname, strict);
    expect(code).toBe('address-not-allowed');
    expect(reached).toEqual([]);
    expect(resolved).toBe(0);
  });

  it('refuses a name when a single one of its addresses is forbidden', async () => {
    const { reached, code } = await offer('rebind.example', strict, ['93.184.215.14', '127.0.0.1']);
    expect(code).toBe('address-not-allowed');
    expect(reached).toEqual([]);
  });

  it('refuses a name without addresses', async () => {
    expect(await offer('empty.example', strict, [])).toMatchObject({ reached: [], code: 'address-not-allowed' });
  });

  it('hands the checked address on, never the name, and keeps the name for TLS', async () => {
    const { reached } = await offer('idp.example', strict, ['93.184.215.14', '2606:2800:21f:cb07::1']);
    expect(reached).toEqual(['93.184.215.14 as idp.example', '2606:2800:21f:cb07::1 as idp.example']);
  });

  it('hands a mapped literal on as the address it reaches', async () => {
    const { reached } = await offer('[::ffff:7f00:1]', { ...strict, allowLoopback: true });
    expect(reached).toEqual(['127.0.0.1 as ']);
  });

  it('asks the resolver once for connections that open together', async () => {
    let asked = 0;
    const connector = guardedConnector(
      strict,
      async () => {
        asked += 1;
        return ['93.184.215.14'];
      },
      (_options, callback) => callback(new Error('stub'), null),
    );
    const options: buildConnector.Options = { hostname: 'idp.example', protocol: 'https:', port: '443' };
    await Promise.all(
      Array.from({ length: 20 }, () => new Promise((resolve) => connector(options, (...answer) => resolve(answer)))),
    );
    expect(asked).toBe(1);
  });
});

describe('an address', () => {
  it('of a private network is allowed only where the policy names it', () => {
    const policy = { ...strict, privateNetworks: ['10.20.0.0/16', 'fd00:1::/32'] };
    expect(isAllowedAddress('10.20.3.4', policy)).toBe(true);
    expect(isAllowedAddress('10.21.3.4', policy)).toBe(false);
    expect(isAllowedAddress('fd00:1::5', policy)).toBe(true);
    expect(isAllowedAddress('fd00:2::5', policy)).toBe(false);
  });

  it('of the loopback is not allowed by naming it a private network', () => {
    expect(isAllowedAddress('127.0.0.1', { ...strict, privateNetworks: ['0.0.0.0/0'] })).toBe(false);
  });

  it('that is no address at all is not allowed', () => {
    expect(isAllowedAddress('idp.example', strict)).toBe(false);
  });
});

describe('a URL', () => {
  const hostsOf = (tenant: string) => (tenant === 'acme' ? ['idp.example', '*.vendor.example'] : undefined);
  const policy: OutboundPolicy = { ...strict, hostsOf };

  it.each([
    ['acme', 'https://idp.example/revoke', undefined],
    ['acme', 'https://IDP.example/revoke', undefined],
    ['acme', 'https://eu.vendor.example/revoke', undefined],
    ['acme', 'https://vendor.example/revoke', 'host-not-allowed'],
    ['acme', 'https://evilvendor.example/', 'host-not-allowed'],
    ['acme', 'https://idp.example.evil.example/', 'host-not-allowed'],
    ['other', 'https://anywhere.example/', undefined],
    ['other', 'http://anywhere.example/', 'scheme-not-allowed'],
    ['other', 'ftp://anywhere.example/', 'scheme-not-allowed'],
    ['other', 'https://user:pass@anywhere.example/', 'invalid-url'],
  ])('of tenant %s: %s is judged %s', (tenant, url, refusal) => {
    expect(refusalOf(new URL(url), tenant, policy)).toBe(refusal);
  });
});

describe("a provider's Redis", () => {
  const open = {
    ...strict,
    allowLoopback: true,
    privateNetworks: ['10.1.0.0/16'],
    hostsOf: () => ['redis.example.com'],
  };

  it.each([
    'redis://127.0.0.1:6379',
    'redis://[::1]:6379',
    'redis://localhost',
    'unix:///var/run/redis.sock',
    'redis://10.1.2.3:6379',
    'redis://redis.example.com',
    'redis://LOCALHOST',
    'redis://0x7f.1',
    'redis://2130706433',
    'redis://[::ffff:127.0.0.1]',
    'redis://%31%32%37.0.0.1',
    'redis://203.0.113.7@127.0.0.1',
  ])('is refused by default: %s', (url) => {
    expect(mayConnectToRedis('acme', redisAddressOf(url), strict)).toBe(false);
  });

  it.each([
    ['redis://127.0.0.1:6379', true],
    ['redis://[::1]:6379', true],
    ['unix:///var/run/redis.sock', true],
    ['rediss://10.1.2.3:6379', true],
    ['redis://10.2.2.3:6379', false],
    ['redis://169.254.169.254', false],
    ['rediss://redis.example.com', true],
    ['rediss://other.example.com', false],
  ])('follows the policy of the service: %s %s', (url, allowed) => {
    expect(mayConnectToRedis('acme', redisAddressOf(url), open)).toBe(allowed);
  });
});
