// How roles and teams are defined and shown, and who has them.
import { ROLE_ID } from '@app/directory';
import type { RoleKind } from '@app/events';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { IsCondition, IsDirectoryId, IsLine, Optional } from './fields.dto.js';

const KINDS = ['role', 'team'] as const;

export const IsRoleId = (each = false) =>
  Matches(ROLE_ID, {
    each,
    message: `${each ? 'each of ' : ''}$property must be the id of a role: 1 to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
  });

export class RoleRequest {
  @ApiProperty({ example: 'Production' })
  @IsLine()
  name: string;

  @ApiPropertyOptional({ enum: KINDS, default: 'role' })
  @Optional()
  @IsIn(KINDS)
  kind?: (typeof KINDS)[number];

  @ApiPropertyOptional({
    description: 'A filter (RFC 7644) over a person. Then it alone decides who has the role.',
    example: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Engineering"',
  })
  @Optional()
  @IsCondition()
  condition?: string;
}

export class RoleAnswer {
  @ApiProperty()
  id: string;

  @ApiProperty()
  name: string;

  @ApiProperty({ enum: [...KINDS, 'condition'], description: 'condition: made for a credential that requires it.' })
  kind: RoleKind;

  @ApiPropertyOptional()
  condition?: string;

  @ApiProperty()
  memberCount: number;
}

export class RoleList {
  @ApiProperty({ type: [RoleAnswer] })
  roles: RoleAnswer[];
}

export class RoleDeletion {
  @ApiProperty({ description: 'How many have the role.' })
  lossCount: number;

  @ApiProperty({ description: 'Credentials that require it and would be revoked.' })
  revokedCount: number;
}

export class RoleMemberRequest {
  @ApiProperty()
  @IsDirectoryId()
  userId: string;
}

export class RoleMemberAnswer {
  @ApiProperty()
  userId: string;

  @ApiProperty({
    type: [String],
    description: 'Every way the person has it: manual, condition, claim, or scim:<id of the group>.',
    example: ['manual', 'scim:0190a3f2-7c2e-7d4b-9f53-6f0a4c1d2e3b'],
  })
  sources: readonly string[];
}

export class RoleMemberPage {
  @ApiProperty()
  total: number;

  @ApiProperty({ type: [RoleMemberAnswer] })
  members: readonly RoleMemberAnswer[];
}

const PAGE_MAX = 1_000;

export class RoleMemberQuery {
  @ApiPropertyOptional({ default: 0, minimum: 0 })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  offset?: number;

  @ApiPropertyOptional({ default: 100, minimum: 1, maximum: PAGE_MAX })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  limit?: number;
}
