// The counterparts in the story: real HTTP servers and a real BullMQ, each with its own way of misbehaving.
import {
  newWebhookSecret,
  startOAuthProvider,
  startPrivateRedis,
  startScheduleWorkload,
  startWebhookReceiver,
  type OAuthProvider,
  type PrivateRedis,
  type ScheduleWorkload,
  type WebhookReceiver,
} from '@app/testkit';

export const CLIENT_SECRET = 'demo-client-secret';

export interface Cast {
  /** Answers 500, then 429 with Retry-After, and then behaves. */
  readonly flaky: OAuthProvider;
  /** Answers its first revocation 200 and does nothing. */
  readonly liar: OAuthProvider;
  /** Holds a service-account key and deletes it on a signed webhook. */
  readonly keyring: WebhookReceiver;
  readonly redis: PrivateRedis;
  /** Runs agents on schedules. */
  readonly workload: ScheduleWorkload;
  leave(): Promise<void>;
}

export async function assemble(): Promise<Cast> {
  const flaky = await startOAuthProvider({
    clientSecret: CLIENT_SECRET,
    behaviour: { script: [500, { status: 429, retryAfter: 2 }] },
  });
  const liar = await startOAuthProvider({ clientSecret: CLIENT_SECRET, behaviour: { lies: 1 } });
  const keyring = await startWebhookReceiver({ secret: newWebhookSecret() });
  const redis = await startPrivateRedis();
  const workload = await startScheduleWorkload(redis.url);
  return {
    flaky,
    liar,
    keyring,
    redis,
    workload,
    leave: async () => {
      await workload.stop();
      await Promise.all([flaky.stop(), liar.stop(), keyring.stop(), redis.stop()]);
    },
  };
}

/** Whether a token still opens the provider's API, asked as anybody holding it would. */
export async function stillWorks(provider: OAuthProvider, token: string): Promise<boolean> {
  const answer = await fetch(`${provider.issuer}/resource`, { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status === 200;
}
