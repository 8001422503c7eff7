// Where outbound calls may go: the scheme, the host allow-list of a tenant, and the address behind the name.
import { lookup } from 'node:dns/promises';
import type { RedisAddress } from '@app/jobs';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';

/** Set once by the process that hosts the workers; never by a tenant. */
export interface OutboundPolicy {
  /** http:// is refused unless this is true. */
  readonly allowHttp: boolean;
  /** For the embedded default, the demo and tests: 127.0.0.0/8 and ::1 may be called. */
  readonly allowLoopback: boolean;
  /** CIDR blocks beyond the public unicast ranges that may be called, such as the network of an internal provider. */
  readonly privateNetworks?: readonly string[];
  /** Hosts a tenant may call: exact names or `*.example.com`. Undefined allows every host. */
  readonly hostsOf?: (tenant: string) => readonly string[] | undefined;
}

/** All addresses of a name. Rejects with an error that carries a `code` when there are none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export type Refusal = 'invalid-url' | 'scheme-not-allowed' | 'host-not-allowed' | 'address-not-allowed';

/** Thrown inside `connect`, where undici hands it to the request. Names no address: it may be internal. */
export class AddressNotAllowed extends Error {
  override readonly name = 'AddressNotAllowed';
  readonly code = 'address-not-allowed' satisfies Refusal;
}

/** IPv4 first, because a host without an IPv6 route learns so only from a failed attempt. */
export const systemResolve: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true, order: 'ipv4first' })).map((found) => found.address);

/** Whether a URL may be called at all, as far as its text tells; the address is checked when connecting. */
export function refusalOf(url: URL, tenant: string, policy: OutboundPolicy): Refusal | undefined {
  if (url.username !== '' || url.password !== '' || url.hostname === '') return 'invalid-url';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && policy.allowHttp)) return 'scheme-not-allowed';
  const patterns = policy.hostsOf?.(tenant);
  if (patterns === undefined || patterns.some((pattern) => matchesHost(pattern, url.hostname))) return undefined;
  return 'host-not-allowed';
}

function matchesHost(pattern: string, hostname: string): boolean {
  const wanted = pattern.toLowerCase();
  return wanted.startsWith('*.') ? hostname.endsWith(wanted.slice(1)) : hostname === wanted;
}

/** True for public unicast addresses and what the policy adds. `text` is any spelling `inet_aton` understands. */
export function isAllowedAddress(text: string, policy: OutboundPolicy): boolean {
  if (!ipaddr.isValid(text)) return false;
  // `process` turns ::ffff:7f00:1 into 127.0.0.1, so that a mapped address is judged as what it reaches.
  const address = ipaddr.process(text);
  const range = address.range();
  if (range === 'loopback') return policy.allowLoopback;
  if (policy.privateNetworks?.some((block) => isWithin(address, block)) === true) return true;
  // Outside 2000::/3 IPv6 assigns no global unicast (RFC 4291, IANA), although ipaddr.js calls the rest unicast.
  return range === 'unicast' && (address instanceof ipaddr.IPv4 || ((address.parts[0] ?? 0) & 0xe000) === 0x2000);
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, block: string): boolean {
  const [network, bits] = ipaddr.parseCIDR(block);
  return network.kind() === address.kind() && address.match(network, bits);
}

/**
 * Wraps a connector of undici so that it only ever sees addresses which passed the check: literals in every spelling,
 * and every address a name resolves to. One forbidden address refuses the name, whatever the others are.
 */
export function guardedConnector(
  policy: OutboundPolicy,
  resolve: Resolve,
  connect: buildConnector.connector,
): buildConnector.connector {
  const resolving = new Map<string, Promise<readonly string[]>>();

  // 200 connections that open at once ask the resolver once.
  const addressesOf = (hostname: string): Promise<readonly string[]> => {
    const pending = resolving.get(hostname);
    if (pending !== undefined) return pending;
    const fresh = resolve(hostname).finally(() => resolving.delete(hostname));
    resolving.set(hostname, fresh);
    return fresh;
  };

  return (options, callback) => {
    const hostname = options.hostname.replace(/^\[|\]$/g, '');
    if (ipaddr.isValid(hostname)) {
      if (!isAllowedAddress(hostname, policy)) return callback(new AddressNotAllowed('address not allowed'), null);
      return connect({ ...options, hostname: ipaddr.process(hostname).toString() }, callback);
    }
    addressesOf(hostname).then(
      (addresses) => {
        if (addresses.length === 0 || !addresses.every((address) => isAllowedAddress(address, policy))) {
          return callback(new AddressNotAllowed('address not allowed'), null);
        }
        return connectInTurn(connect, { ...options, servername: options.servername ?? hostname }, addresses, callback);
      },
      (error: Error) => callback(error, null),
    );
  };
}

function connectInTurn(
  connect: buildConnector.connector,
  options: buildConnector.Options,
  [address, ...others]: readonly string[],
  callback: buildConnector.Callback,
): void {
  if (address === undefined) return;
  connect({ ...options, hostname: address }, (...answer) => {
    if (answer[0] === null || others.length === 0) callback(...answer);
    else connectInTurn(connect, options, others, callback);
  });
}

/**
 * Whether a provider's Redis may be connected to. Its driver resolves names by itself, out of reach of the guard, so a
 * name must be on the allow-list; an address is judged like any other; a socket file belongs to this machine.
 */
export function mayConnectToRedis(tenant: string, address: RedisAddress, policy: OutboundPolicy): boolean {
  if ('path' in address || address.host === 'localhost') return policy.allowLoopback;
  const { host } = address;
  if (ipaddr.isValid(host)) return isAllowedAddress(host, policy);
  return policy.hostsOf?.(tenant)?.some((pattern) => matchesHost(pattern, host)) === true;
}
