// A running service with one connection, people in it and access held at providers: what every promise begins with.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ApiClient,
  eventually,
  startOAuthProvider,
  startService,
  type ApiAnswer,
  type OAuthProvider,
  type ServiceProcess,
} from '@app/testkit';

export interface CascadeDetail {
  readonly cascadeId: string;
  readonly status: string;
  readonly targetCount: number;
}

export interface TargetDetail {
  readonly targetId: string;
  readonly holdingId: string;
  readonly providerId: string;
  readonly state: string;
  readonly grade?: string;
  readonly attempts: number;
}

/** The provider that every scenario has. */
export const PROVIDER = 'northwind';

/** Entra's way to say that somebody is gone. */
export const entraDeactivation = {
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'Replace', path: 'active', value: 'False' }],
};

/** A retry curve of milliseconds and a busy sweep: the promises are about order and loss, not about waiting. */
const QUICK = {
  RETRY_CURVE_MS: '100,200,400,800,1600,3200,3200,3200,3200,3200',
  SWEEP_INTERVAL_MS: '200',
  LOG_LEVEL: 'warn',
};

export class Scenario {
  scim: ApiClient;
  api: ApiClient;

  private constructor(
    public service: ServiceProcess,
    readonly env: Readonly<Record<string, string>>,
    readonly keys: { readonly scimToken: string; readonly apiKey: string },
    /** An honest OAuth provider, configured as {@link PROVIDER}. */
    readonly provider: OAuthProvider,
  ) {
    this.scim = new ApiClient(service.scimBaseUrl, keys.scimToken, 'application/scim+json');
    this.api = new ApiClient(service.apiBaseUrl, keys.apiKey);
  }

  /** @param env added to the environment of the service */
  static async start(env: Readonly<Record<string, string>> = {}, clientSecret = 'client-secret'): Promise<Scenario> {
    const dataDir = mkdtempSync(join(tmpdir(), 'cascade-e2e-'));
    const all = { ...QUICK, ...env };
    const service = await startService({ dataDir, env: all });
    const { scimToken, apiKey } = service;
    if (scimToken === undefined || apiKey === undefined) throw new Error('a first start shows no keys');
    const provider = await startOAuthProvider({ clientSecret });
    const scenario = new Scenario(service, all, { scimToken, apiKey }, provider);
    await scenario.configureOAuth(PROVIDER, provider, clientSecret);
    return scenario;
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.provider.stop();
  }

  /** Starts again on the same data, after a stop or a kill. */
  async restart(args: readonly string[] = []): Promise<void> {
    this.service = await startService({ dataDir: this.service.dataDir, env: this.env, args });
    this.scim = new ApiClient(this.service.scimBaseUrl, this.keys.scimToken, 'application/scim+json');
    this.api = new ApiClient(this.service.apiBaseUrl, this.keys.apiKey);
  }

  /** Makes a second tenant, as an operator of the service does: by a start that names it. */
  async addTenant(tenant: string): Promise<{ scim: ApiClient; api: ApiClient }> {
    await this.service.stop();
    await this.restart(['--tenant', tenant]);
    const { scimBaseUrl, scimToken, apiBaseUrl, apiKey } = this.service;
    if (scimToken === undefined || apiKey === undefined) throw new Error('a new tenant comes with keys');
    return {
      scim: new ApiClient(scimBaseUrl, scimToken, 'application/scim+json'),
      api: new ApiClient(apiBaseUrl, apiKey),
    };
  }

  async provisionUser(userName: string, attributes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const answer = await this.scim.post<{ id: string }>('/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName,
      active: true,
      ...attributes,
    });
    return expectStatus(answer, 201).id;
  }

  async configureOAuth(providerId: string, provider: OAuthProvider, clientSecret: string): Promise<void> {
    const answer = await this.api.put(`/providers/${providerId}`, {
      connector: 'rfc7009',
      displayName: providerId,
      settings: {
        revocationEndpoint: `${provider.issuer}/revoke`,
        introspectionEndpoint: `${provider.issuer}/introspect`,
        clientId: provider.clientId,
        verifyAfterMs: 50,
      },
      secret: clientSecret,
    });
    expectStatus(answer, 200);
  }

  /** One access token of a grant of its own per credential. @returns the tokens */
  async register(
    userId: string,
    count: number,
    providerId: string = PROVIDER,
    provider: OAuthProvider = this.provider,
  ): Promise<string[]> {
    const tokens = Array.from({ length: count }, () => provider.issueGrant().accessTokens[0] as string);
    for (let start = 0; start < count; start += 500) {
      const credentials = tokens
        .slice(start, start + 500)
        .map((secret) => ({ kind: 'oauth_access_token', providerId, userId, secret }));
      expectStatus(await this.api.post('/credentials/batch', { credentials }), 200);
    }
    return tokens;
  }

  deactivate(userId: string): Promise<ApiAnswer> {
    return this.scim.patch(`/Users/${userId}`, entraDeactivation);
  }

  async cascadesOf(subjectId: string): Promise<CascadeDetail[]> {
    const answer = await this.api.get<{ items: CascadeDetail[] }>(`/cascades?subject=${subjectId}`);
    return expectStatus(answer, 200).items;
  }

  /** The cascade of a subject once it is complete. */
  completed(subjectId: string, timeoutMs = 60_000): Promise<CascadeDetail> {
    return eventually(
      'the cascade is complete',
      async () => (await this.cascadesOf(subjectId)).find((cascade) => cascade.status !== 'open'),
      timeoutMs,
    );
  }

  async targetsOf(subjectId: string): Promise<TargetDetail[]> {
    const targets: TargetDetail[] = [];
    for (const { cascadeId } of await this.cascadesOf(subjectId)) {
      let cursor: string | undefined;
      do {
        const path = `/cascades/${cascadeId}?limit=500${cursor === undefined ? '' : `&cursor=${cursor}`}`;
        const { targets: page } = expectStatus(
          await this.api.get<{ targets: { items: TargetDetail[]; next?: string } }>(path),
          200,
        );
        targets.push(...page.items);
        cursor = page.next;
      } while (cursor !== undefined);
    }
    return targets;
  }

  async mayAct(subjectId: string): Promise<boolean> {
    const answer = await this.api.get<{ mayAct: boolean }>(`/subjects/${subjectId}/status`);
    return expectStatus(answer, 200).mayAct;
  }
}

/** The body of an answer that has this status. @throws with the body otherwise */
export function expectStatus<T>(answer: ApiAnswer<T>, status: number): T {
  if (answer.status !== status) {
    throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer.body;
}
