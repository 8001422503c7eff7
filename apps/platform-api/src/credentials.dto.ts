// How credentials are registered and rotated, one or many.
import type { CredentialKind } from '@app/events';
import { MAX_BATCH, type StatusReason } from '@app/revocation';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsDefined, IsIn, Matches, ValidateNested } from 'class-validator';
import { HeldFields, IsCondition, IsInstant, IsSecret, Optional } from './fields.dto.js';
import { IsRoleId } from './roles.dto.js';

const KINDS: readonly CredentialKind[] = [
  'oauth_access_token',
  'oauth_refresh_token',
  'service_account_key',
  'api_key',
  'ephemeral_credential',
];
const GROUPS = 50;
const ID = /^[\x21-\x7e]{1,200}$/;

export class CredentialRequest extends HeldFields {
  @ApiProperty({ enum: KINDS })
  @IsIn(KINDS)
  kind: CredentialKind;

  @ApiPropertyOptional({ writeOnly: true, description: 'The token or key to revoke; kept in the vault alone.' })
  @Optional()
  @IsSecret()
  secret?: string;

  @ApiPropertyOptional({ description: 'Tokens of one consent: its refresh tokens are revoked first.' })
  @Optional()
  @Matches(ID, { message: '$property must be 1 to 200 visible ASCII characters' })
  grantId?: string;

  @ApiPropertyOptional({
    type: [String],
    maxItems: GROUPS,
    description:
      'Groups the user must be in, directly or through a group that is a member. Losing one revokes the credential.',
  })
  @Optional()
  @IsArray()
  @ArrayMaxSize(GROUPS)
  @Matches(ID, { each: true, message: 'each of $property must be an id of this service' })
  requiresGroups?: string[];

  @ApiPropertyOptional({
    type: [String],
    maxItems: GROUPS,
    description: 'Roles the user must have. Losing the last way to one revokes the credential.',
  })
  @Optional()
  @IsArray()
  @ArrayMaxSize(GROUPS)
  @IsRoleId(true)
  requiresRoles?: string[];

  @ApiPropertyOptional({
    description:
      'A filter (RFC 7644) that must hold for the user, attributes of custom extensions included. When it turns false the credential is revoked; when it turns true again nothing is restored.',
    example:
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Engineering" and urn:acme:clearedForProdData eq true',
  })
  @Optional()
  @IsCondition()
  condition?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @Optional()
  @IsInstant()
  expiresAt?: string;
}

export class CredentialBatchRequest {
  @ApiProperty({ type: [CredentialRequest], minItems: 1, maxItems: MAX_BATCH })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_BATCH)
  @IsDefined({ each: true })
  @ValidateNested({ each: true })
  @Type(() => CredentialRequest)
  credentials: CredentialRequest[];
}

export class RotateRequest {
  @ApiProperty({ writeOnly: true })
  @IsSecret()
  secret: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @Optional()
  @IsInstant()
  expiresAt?: string;
}

const RESULTS = ['registered', 'denied', 'refused'] as const;

/** One per item, in order. */
export class CredentialResult {
  @ApiProperty({
    enum: RESULTS,
    description: 'denied: recorded, and its revocation was started. refused: nothing was recorded.',
  })
  result: (typeof RESULTS)[number];

  @ApiPropertyOptional({ description: 'Unless refused.' })
  id?: string;

  @ApiPropertyOptional({ type: [String], description: 'If denied: why the holder may not act.' })
  reasons?: readonly StatusReason[];

  @ApiPropertyOptional({ description: 'If refused: the code of the problem.' })
  code?: string;

  @ApiPropertyOptional({ description: 'If refused: what is wrong and what to do.' })
  detail?: string;
}

export class CredentialResults {
  @ApiProperty({ type: [CredentialResult] })
  results: CredentialResult[];
}
