// How mappings are drafted and tried, and how what they would change is shown.
import { MAX_RULES, MAX_TEMPLATE } from '@app/directory';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsDefined,
  IsObject,
  IsString,
  Length,
  ValidateNested,
} from 'class-validator';
import { IsChosenId, IsDirectoryId, IsLine, Optional, OptionalOrNull } from './fields.dto.js';
import { IsRoleId, RoleMemberAnswer } from './roles.dto.js';

const GROUPS = 1_000;
const NAME_LENGTH = 1_000;

const IsName = () => Length(1, NAME_LENGTH, { message: `$property must have 1 to ${NAME_LENGTH} characters` });

export class GroupMatch {
  @ApiPropertyOptional({ description: 'Either the id or the displayName.' })
  @Optional()
  @IsDirectoryId()
  id?: string;

  @ApiPropertyOptional()
  @Optional()
  @IsString()
  @IsName()
  displayName?: string;

  @ApiPropertyOptional({ default: false, description: 'Compare the displayName without regard to case.' })
  @Optional()
  @IsBoolean()
  ignoreCase?: boolean;

  @ApiPropertyOptional({
    description:
      'With a displayName: only the groups that this connection provisioned, until they are handed over. Left out: those of every connection, so that whoever holds a token of any of them can give the role.',
  })
  @Optional()
  @IsDirectoryId()
  connection?: string;
}

export class ClaimMatch {
  @ApiProperty({
    maxLength: MAX_TEMPLATE,
    description:
      'A Handlebars template over the attributes of a person, as GET /Users shows them; every line that it makes is a name. Blocks: each, if, unless, with. Helpers: json, split, lower, eq.',
    example: '{{#each roles}}{{value}}\n{{/each}}',
  })
  @IsString()
  @Length(1, MAX_TEMPLATE, { message: `$property must have 1 to ${MAX_TEMPLATE} characters` })
  template: string;

  @ApiPropertyOptional({ description: 'The name that gives the role. Left out: any name does.' })
  @Optional()
  @IsString()
  @IsName()
  equals?: string;

  @ApiPropertyOptional({
    default: false,
    description: 'Compare the name, or the ids of roles, without regard to case.',
  })
  @Optional()
  @IsBoolean()
  ignoreCase?: boolean;
}

export class MappingRuleRequest {
  @ApiPropertyOptional({
    description: 'Left out of a claim: every name that is the id of a role gives that role, unless it has a condition.',
  })
  @Optional()
  @IsRoleId()
  role?: string;

  @ApiPropertyOptional({
    type: GroupMatch,
    description: 'Gives the role to its members, and to those of groups in it. Either this or claim.',
  })
  @Optional()
  @IsDefined()
  @ValidateNested()
  @Type(() => GroupMatch)
  group?: GroupMatch;

  @ApiPropertyOptional({ type: ClaimMatch })
  @Optional()
  @IsDefined()
  @ValidateNested()
  @Type(() => ClaimMatch)
  claim?: ClaimMatch;
}

class RulesFields {
  @ApiProperty({ type: [MappingRuleRequest], maxItems: MAX_RULES })
  @IsArray()
  @ArrayMaxSize(MAX_RULES)
  @IsDefined({ each: true })
  @ValidateNested({ each: true })
  @Type(() => MappingRuleRequest)
  rules: MappingRuleRequest[];
}

export class MappingRequest extends RulesFields {
  @ApiPropertyOptional({ description: 'Chosen by the operator; random when absent.' })
  @Optional()
  @IsChosenId()
  id?: string;

  @ApiProperty({ example: 'Groups of Okta, spring' })
  @IsLine()
  name: string;
}

export class MappingAnswer extends MappingRequest {
  @ApiProperty()
  declare id: string;

  @ApiProperty({ format: 'date-time' })
  created: string;

  @ApiProperty({ description: 'Whether its rules are in force. Those of one mapping are.' })
  active: boolean;
}

export class MappingList {
  @ApiProperty({ type: [MappingAnswer] })
  mappings: MappingAnswer[];
}

export class RoleDiffAnswer {
  @ApiProperty()
  role: string;

  @ApiProperty()
  gainCount: number;

  @ApiProperty()
  lossCount: number;

  @ApiProperty({ type: [RoleMemberAnswer], description: 'Who would have the role, and why. At most 1000.' })
  gains: readonly RoleMemberAnswer[];

  @ApiProperty({
    type: [String],
    description: 'Users who would lose the role, and with it every credential that requires it. At most 1000.',
  })
  losses: readonly string[];

  @ApiProperty({ description: 'Credentials that would be revoked because the role is lost.' })
  revokedCount: number;
}

export class MappingDiff {
  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'The mapping in force that this was compared with; null: none is. Send it along to activate what was shown.',
  })
  insteadOf: string | null;

  @ApiProperty({ type: [RoleDiffAnswer], description: 'Roles that nobody would gain or lose are left out.' })
  roles: RoleDiffAnswer[];

  @ApiProperty({
    description: 'Credentials that would be revoked. One that requires several of the roles counts once.',
  })
  revokedCount: number;
}

export class ActivationRequest {
  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description:
      'As the diff answered it: refused with 409 when another mapping has been put in force since. Left out: replaces whatever is in force.',
  })
  @OptionalOrNull()
  @IsChosenId()
  insteadOf?: string | null;
}

class TriedGroup {
  @ApiProperty()
  @IsDirectoryId()
  id: string;

  @ApiPropertyOptional()
  @Optional()
  @IsString()
  @IsName()
  display?: string;

  @ApiPropertyOptional({ description: 'The connection that provisioned it; left out: the platform.' })
  @Optional()
  @IsDirectoryId()
  connection?: string;
}

export class MappingTestRequest extends RulesFields {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Attributes of somebody made up, as an identity provider sends them: extensions by URN.',
    example: { userName: 'ada@example.com', roles: [{ value: '{"value":"Admin"}' }] },
  })
  @IsObject()
  attributes: Record<string, unknown>;

  @ApiPropertyOptional({ type: [TriedGroup], maxItems: GROUPS })
  @Optional()
  @IsArray()
  @ArrayMaxSize(GROUPS)
  @IsDefined({ each: true })
  @ValidateNested({ each: true })
  @Type(() => TriedGroup)
  groups?: TriedGroup[];
}

class TriedRole {
  @ApiProperty()
  role: string;

  @ApiProperty({ type: [String] })
  sources: readonly string[];
}

class TriedClaim {
  @ApiProperty({ description: 'The number of the rule, from 1.' })
  rule: number;

  @ApiProperty({ type: [String], description: 'The names that the template made.' })
  names: readonly string[];

  @ApiPropertyOptional({
    type: [String],
    description:
      'Of a rule without a role: the names that give nothing, because no role has this id that a mapping may give.',
  })
  notRoles?: readonly string[];

  @ApiPropertyOptional({ description: 'Why it made none.' })
  problem?: string;
}

export class MappingTestAnswer {
  @ApiProperty({ type: [TriedRole] })
  roles: readonly TriedRole[];

  @ApiProperty({ type: [TriedClaim] })
  claims: readonly TriedClaim[];
}
