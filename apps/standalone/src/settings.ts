// Turns the configuration into the settings of the rooms.
import {
  Connectors,
  DEFAULT_RETRY_POLICY,
  mayConnectToRedis,
  type OutboundPolicy,
  type RetryPolicy,
} from '@app/revocation';
import type { Config } from '@app/runtime';

export const retryPolicyOf = ({ retryCurveMs, retryJitter }: Config): RetryPolicy => ({
  ...DEFAULT_RETRY_POLICY,
  ...(retryCurveMs === undefined ? {} : { curve: retryCurveMs }),
  ...(retryJitter === undefined ? {} : { jitter: retryJitter }),
});

/** Where providers may be called; the same for every tenant. */
export const outboundPolicyOf = (config: Config): OutboundPolicy => ({
  allowHttp: config.outboundAllowHttp,
  allowLoopback: config.outboundAllowLoopback,
  privateNetworks: config.outboundPrivateNetworks ?? [],
  hostsOf: () => config.outboundAllowedHosts,
});

/** To be closed; each thread has its own. */
export function connectorsOf(config: Config): Connectors {
  const policy = outboundPolicyOf(config);
  return new Connectors({ mayConnect: (tenant, address) => mayConnectToRedis(tenant, address, policy) });
}
