// A fake authorization server: issues tokens in process, revokes by RFC 7009, introspects by RFC 7662.
import { randomBytes } from 'node:crypto';
import { LabServer, type Behaviour, type LabAnswer, type LabCall, type LabRequest } from './lab-server.js';

export interface OAuthProviderOptions {
  readonly clientId?: string;
  /** Undefined makes the client public (`authMethod: none`). */
  readonly clientSecret?: string;
  readonly behaviour?: Behaviour;
}

export interface Grant {
  readonly grantId: string;
  readonly refreshToken: string;
  readonly accessTokens: readonly string[];
}

interface IssuedToken {
  readonly tokenId: string;
  readonly grantId: string;
  readonly kind: 'access_token' | 'refresh_token';
  readonly expiresAt: number;
  revoked: boolean;
}

const LIFETIME_MS = 3_600_000;

export const startOAuthProvider = async (options: OAuthProviderOptions = {}): Promise<OAuthProvider> => {
  const provider: OAuthProvider = new OAuthProvider(
    options.clientId ?? 'agent-platform',
    options.clientSecret,
    await LabServer.start(options.behaviour ?? {}, (request, call) => provider.answer(request, call)),
  );
  return provider;
};

/** Routes: RFC 8414 metadata, POST /revoke, POST /introspect, and GET /resource, which works while the token does. */
export class OAuthProvider {
  private readonly tokens = new Map<string, IssuedToken>();
  private readonly grants = new Map<string, IssuedToken[]>();

  constructor(
    readonly clientId: string,
    private readonly clientSecret: string | undefined,
    private readonly lab: LabServer,
  ) {}

  get issuer(): string {
    return this.lab.origin;
  }

  /** Every call so far, in the order of arrival. */
  get calls(): readonly LabCall[] {
    return this.lab.calls;
  }

  /** Calls of a route, such as `POST /revoke`. */
  count(route: string): number {
    return this.lab.count(route);
  }

  behave(behaviour: Behaviour): void {
    this.lab.behave(behaviour);
  }

  /** A refresh token and the access tokens made from it; revoking the refresh token kills them all. */
  issueGrant(accessTokens = 1, lifetimeMs = LIFETIME_MS): Grant {
    const grantId = `grant-${this.grants.size + 1}`;
    this.grants.set(grantId, []);
    const refreshToken = this.issue(grantId, 'refresh_token', lifetimeMs);
    const access = Array.from({ length: accessTokens }, () => this.issue(grantId, 'access_token', lifetimeMs));
    return { grantId, refreshToken, accessTokens: access };
  }

  /** What the log of calls shows in place of the token. */
  tokenId(token: string): string | undefined {
    return this.tokens.get(token)?.tokenId;
  }

  isAlive(token: string): boolean {
    const issued = this.tokens.get(token);
    return issued !== undefined && !issued.revoked && issued.expiresAt > Date.now();
  }

  /** How many of all tokens ever issued still work. */
  get aliveCount(): number {
    return [...this.tokens.keys()].filter((token) => this.isAlive(token)).length;
  }

  async stop(): Promise<void> {
    await this.lab.stop();
  }

  answer(request: LabRequest, call: LabCall): LabAnswer {
    switch (call.route) {
      case 'GET /.well-known/oauth-authorization-server':
        return { status: 200, body: this.metadata() };
      case 'GET /resource':
        return this.isAlive(request.headers.authorization?.slice('Bearer '.length) ?? '')
          ? { status: 200 }
          : { status: 401 };
      case 'POST /revoke':
        return this.lab.scripted() ?? this.revoke(new URLSearchParams(request.body), request, call);
      case 'POST /introspect':
        return this.introspect(new URLSearchParams(request.body), request, call);
      default:
        return { status: 404 };
    }
  }

  private metadata(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      token_endpoint: `${this.issuer}/token`,
      revocation_endpoint: `${this.issuer}/revoke`,
      introspection_endpoint: `${this.issuer}/introspect`,
      response_types_supported: ['code'],
    };
  }

  private revoke(form: URLSearchParams, request: LabRequest, call: LabCall): LabAnswer {
    if (!this.isClient(form, request)) return INVALID_CLIENT;
    const token = form.get('token');
    if (token === null) return { status: 400, body: { error: 'invalid_request' } };
    const issued = this.tokens.get(token);
    if (issued === undefined) return { status: 200 };
    call.subject = issued.tokenId;
    if (this.lab.lies()) return { status: 200 };
    const family = issued.kind === 'refresh_token' ? (this.grants.get(issued.grantId) ?? []) : [issued];
    for (const member of family) member.revoked = true;
    return { status: 200 };
  }

  private introspect(form: URLSearchParams, request: LabRequest, call: LabCall): LabAnswer {
    if (!this.isClient(form, request)) return INVALID_CLIENT;
    const token = form.get('token') ?? '';
    const issued = this.tokens.get(token);
    if (issued !== undefined) call.subject = issued.tokenId;
    if (issued === undefined || !this.isAlive(token)) return { status: 200, body: { active: false } };
    return { status: 200, body: { active: true, client_id: this.clientId, exp: Math.floor(issued.expiresAt / 1000) } };
  }

  private isClient(form: URLSearchParams, { headers }: LabRequest): boolean {
    if (this.lab.behaviour.refusesClient === true) return false;
    const basic = headers.authorization?.startsWith('Basic ')
      ? headers.authorization.slice('Basic '.length)
      : undefined;
    if (basic === undefined) {
      return form.get('client_id') === this.clientId && (form.get('client_secret') ?? undefined) === this.clientSecret;
    }
    const [id, secret] = Buffer.from(basic, 'base64').toString('utf8').split(':').map(formDecode);
    return id === this.clientId && secret === this.clientSecret;
  }

  private issue(grantId: string, kind: IssuedToken['kind'], lifetimeMs: number): string {
    const tokenId = `${kind === 'refresh_token' ? 'rt' : 'at'}-${this.tokens.size + 1}`;
    const token = `${tokenId}.${randomBytes(24).toString('base64url')}`;
    const issued: IssuedToken = { tokenId, grantId, kind, expiresAt: Date.now() + lifetimeMs, revoked: false };
    this.tokens.set(token, issued);
    this.grants.get(grantId)?.push(issued);
    return token;
  }
}

const INVALID_CLIENT: LabAnswer = {
  status: 401,
  headers: { 'www-authenticate': 'Basic realm="lab"' },
  body: { error: 'invalid_client' },
};

const formDecode = (value: string): string => new URLSearchParams(`v=${value}`).get('v') ?? '';
