// How operators open connections and issue tokens and keys.
import type { AgentNameKey, ApiKeyRole } from '@app/events';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsObject } from 'class-validator';
import { IsCondition, IsDirectoryId, IsInstant, IsLine, Optional, OptionalOrNull } from './fields.dto.js';

const DIALECTS = ['lenient', 'strict'] as const;
const NAME_KEYS: readonly AgentNameKey[] = ['agentUserName', 'name'];
const STATES = ['open', 'paused', 'closed'] as const;
const PROVISIONED = ['deactivate', 'keep'] as const;
const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'] as const;
const ROLES: readonly ApiKeyRole[] = ['platform', 'operator'];

export class OpenConnectionRequest {
  @ApiProperty({ example: 'Okta' })
  @IsLine()
  name: string;

  @ApiPropertyOptional({
    enum: DIALECTS,
    default: 'lenient',
    description: 'lenient: what identity providers are known to send wrongly is read as they mean it.',
  })
  @Optional()
  @IsIn(DIALECTS)
  dialect?: (typeof DIALECTS)[number];

  @ApiPropertyOptional({
    example: 'userType eq "Agent"',
    description:
      'For an identity provider that cannot push agents: a SCIM filter over a user as it is provisioned. One for whom it ' +
      'holds is an agent from then on, owned by its manager, or else by the connection. It cannot ask for groups.',
  })
  @Optional()
  @IsCondition()
  agentWhen?: string;

  @ApiPropertyOptional({
    enum: NAME_KEYS,
    default: 'agentUserName',
    description: 'What the name of an agent is answered under, as the two drafts differ. Either is understood.',
  })
  @Optional()
  @IsIn(NAME_KEYS)
  agentNameKey?: AgentNameKey;
}

export class ChangeConnectionRequest {
  @ApiPropertyOptional()
  @Optional()
  @IsLine()
  name?: string;

  @ApiPropertyOptional({ enum: DIALECTS })
  @Optional()
  @IsIn(DIALECTS)
  dialect?: (typeof DIALECTS)[number];

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'Decides for whom is provisioned from now on; whoever is already stays what they are. null: no rule.',
  })
  @OptionalOrNull()
  @IsCondition()
  agentWhen?: string | null;

  @ApiPropertyOptional({ enum: NAME_KEYS })
  @Optional()
  @IsIn(NAME_KEYS)
  agentNameKey?: AgentNameKey;
}

export class CloseQuery {
  @ApiPropertyOptional({
    enum: PROVISIONED,
    default: 'deactivate',
    description:
      'What becomes of whom it provisioned. deactivate: they are deactivated, and what is held for them is revoked. ' +
      'keep: they stay as they are, and no identity provider can change them, until they are handed over or this is ' +
      'asked again with deactivate.',
  })
  @Optional()
  @IsIn(PROVISIONED)
  provisioned?: (typeof PROVISIONED)[number];
}

export class HandOverRequest {
  @ApiProperty({ description: 'The connection that gets what this one provisioned.' })
  @IsDirectoryId()
  to: string;
}

export class OrderAnswer {
  @ApiProperty({ enum: ['deactivate', 'hand-over'] })
  what: 'deactivate' | 'hand-over';

  @ApiPropertyOptional({ description: 'The connection it is handed over to.' })
  to?: string;

  @ApiProperty({ description: 'False while it is under way.' })
  isCarriedOut: boolean;
}

export class TokenRequest {
  @ApiPropertyOptional({ format: 'date-time', description: 'Left out: valid until revoked.' })
  @Optional()
  @IsInstant()
  expiresAt?: string;
}

export class TokenAnswer {
  @ApiProperty()
  id: string;

  @ApiProperty({ description: 'Shown once.' })
  token: string;
}

export class TokenSummary {
  @ApiProperty()
  id: string;

  @ApiPropertyOptional({ format: 'date-time' })
  expiresAt?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Known to the minute. Left out: never used.' })
  lastUsedAt?: string;
}

export class ClientKeyRequest {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    description: 'A public key as a JWK: EC on P-256, RSA of 2048 bits and more, or OKP on Ed25519.',
  })
  @IsObject({ message: '$property must be a JWK' })
  jwk: Record<string, unknown>;
}

export class ClientKeyAnswer {
  @ApiProperty()
  id: string;

  @ApiProperty({ enum: ALGORITHMS })
  algorithm: (typeof ALGORITHMS)[number];

  @ApiPropertyOptional({ format: 'date-time', description: 'Known to the minute. Left out: never used.' })
  lastUsedAt?: string;
}

export class ConnectionAnswer {
  @ApiProperty()
  id: string;

  @ApiProperty()
  name: string;

  @ApiProperty({ enum: DIALECTS })
  dialect: (typeof DIALECTS)[number];

  @ApiPropertyOptional({ description: 'Which users are agents. Left out: none.' })
  agentWhen?: string;

  @ApiProperty({ enum: NAME_KEYS })
  agentNameKey: AgentNameKey;

  @ApiProperty({ enum: STATES })
  state: (typeof STATES)[number];

  @ApiProperty({ type: [TokenSummary] })
  tokens: TokenSummary[];

  @ApiProperty({ type: [ClientKeyAnswer] })
  clientKeys: ClientKeyAnswer[];

  @ApiPropertyOptional({ description: 'The last order about what it provisioned, since it is closed.' })
  order?: OrderAnswer;
}

export class ConnectionList {
  @ApiProperty({ type: [ConnectionAnswer] })
  connections: ConnectionAnswer[];
}

export class ExchangeAnswer {
  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty()
  method: string;

  @ApiPropertyOptional({ description: 'As it is declared. Left out: there is no such route.' })
  route?: string;

  @ApiPropertyOptional({ description: 'Of the resource in the path, or of the one that was created.' })
  resourceId?: string;

  @ApiProperty()
  status: number;

  @ApiPropertyOptional()
  scimType?: string;

  @ApiProperty()
  durationMs: number;

  @ApiProperty({ type: [String], description: 'The deviations from the RFCs that were accepted, by name.' })
  quirks: string[];

  @ApiProperty()
  requestId: string;
}

export class ExchangeList {
  @ApiProperty({ type: [ExchangeAnswer], description: 'The newest first; a request is here within about a second.' })
  requests: ExchangeAnswer[];
}

export class QuirkAnswer {
  @ApiProperty()
  name: string;

  @ApiProperty({ description: 'What was sent.' })
  sentence: string;

  @ApiProperty()
  count: number;
}

export class QuirkList {
  @ApiProperty({ type: [QuirkAnswer], description: 'The most frequent first; counted within about a second.' })
  quirks: QuirkAnswer[];
}

export class KeyRequest {
  @ApiProperty({ enum: ROLES, isArray: true, minItems: 1, uniqueItems: true, description: 'What the key opens.' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ROLES.length)
  @ArrayUnique()
  @IsIn(ROLES, { each: true })
  roles: ApiKeyRole[];
}
