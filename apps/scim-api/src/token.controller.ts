// The token endpoint: OAuth client credentials for clients that sign rather than keep a bearer token (RFC 6749 section 4.4).
import { InvalidClient, IssueAccessToken } from '@app/directory';
import { Public, TakesForm } from '@app/http';
import { Body, Controller, Inject, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { SCIM_BASE_URL, TOKEN_PATH, tokenEndpoint, type PublicAddress } from './public-address.js';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** RFC 6749 section 5.2. Descriptions never quote the request. */
const refusals = {
  invalid_request: [
    400,
    `Send grant_type, client_assertion and client_assertion_type=${ASSERTION_TYPE} as a form, each once.`,
  ],
  unsupported_grant_type: [400, 'The grant_type here is client_credentials.'],
  invalid_scope: [400, 'There is one scope: leave it out, or send "scim".'],
  invalid_client: [
    401,
    'Sign a JWT with a registered key: iss and sub are the id of the connection, aud the URL of this endpoint, exp at most ' +
      'five minutes ahead, jti never used before.',
  ],
} as const;

type Refused = keyof typeof refusals;

interface Asked {
  readonly assertion: string;
  readonly clientId: string | undefined;
}

/** What a form asks for, or why that is not answered. */
function askedBy(form: unknown): Asked | Refused {
  if (!(form instanceof URLSearchParams)) return 'invalid_request';
  if (new Set(form.keys()).size !== form.size) return 'invalid_request';
  const grant = form.get('grant_type');
  if (grant === null) return 'invalid_request';
  if (grant !== 'client_credentials') return 'unsupported_grant_type';
  if ((form.get('scope') ?? 'scim') !== 'scim') return 'invalid_scope';
  const assertion = form.get('client_assertion');
  if (assertion === null || form.get('client_assertion_type') !== ASSERTION_TYPE) return 'invalid_request';
  return { assertion, clientId: form.get('client_id') ?? undefined };
}

@Controller(TOKEN_PATH)
export class TokenController {
  constructor(
    private readonly commands: CommandBus,
    @Inject(SCIM_BASE_URL) private readonly address: PublicAddress,
  ) {}

  @Post()
  @Public()
  @TakesForm()
  async issue(@Body() form: unknown, @Res() reply: FastifyReply): Promise<void> {
    reply.header('cache-control', 'no-store').type('application/json');
    const asked = askedBy(form);
    if (typeof asked === 'string') return refuse(reply, asked);
    const { assertion, clientId } = asked;
    try {
      const issued = await this.commands.execute(
        new IssueAccessToken(assertion, tokenEndpoint(this.address), clientId),
      );
      const { token: access_token, expiresInSeconds: expires_in } = issued;
      reply.code(200).send(JSON.stringify({ access_token, token_type: 'Bearer', expires_in, scope: 'scim' }));
    } catch (error) {
      if (!(error instanceof InvalidClient)) throw error;
      refuse(reply, 'invalid_client');
    }
  }
}

function refuse(reply: FastifyReply, error: Refused): void {
  const [status, error_description] = refusals[error];
  reply.code(status).send(JSON.stringify({ error, error_description }));
}
