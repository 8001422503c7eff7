// How the platform provisions, changes and sees agents.
import type { OwnerRef } from '@app/events';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsDefined, IsIn, ValidateNested } from 'class-validator';
import { IsChosenId, IsDirectoryId, IsLine, Optional } from './fields.dto.js';

const OWNERS = 50;

export class Owner implements OwnerRef {
  @ApiProperty({ enum: ['User', 'Group'] })
  @IsIn(['User', 'Group'])
  type: 'User' | 'Group';

  @ApiProperty()
  @IsDirectoryId()
  id: string;
}

export class ProvisionAgentRequest {
  @ApiPropertyOptional({ description: 'Chosen by the platform; random when absent.' })
  @Optional()
  @IsChosenId()
  id?: string;

  @ApiProperty()
  @IsLine()
  name: string;

  @ApiPropertyOptional({ default: true })
  @Optional()
  @IsBoolean()
  active?: boolean;

  @ApiProperty({ type: [Owner], minItems: 1, maxItems: OWNERS, description: 'It may act as long as one of them may.' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(OWNERS)
  @IsDefined({ each: true })
  @ValidateNested({ each: true })
  @Type(() => Owner)
  owners: Owner[];

  @ApiPropertyOptional({ description: 'The agent it belongs to; fixed for good.' })
  @Optional()
  @IsDirectoryId()
  parentId?: string;

  @ApiPropertyOptional()
  @Optional()
  @IsLine()
  description?: string;
}

export class ChangeAgentRequest {
  @ApiPropertyOptional()
  @Optional()
  @IsLine()
  name?: string;

  @ApiPropertyOptional({ description: 'False: it may not act any more, and everything it holds is revoked.' })
  @Optional()
  @IsBoolean()
  active?: boolean;

  @ApiPropertyOptional({ type: [Owner], minItems: 1, maxItems: OWNERS, description: 'All owners from now on.' })
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(OWNERS)
  @IsDefined({ each: true })
  @ValidateNested({ each: true })
  @Type(() => Owner)
  owners?: Owner[];

  @ApiPropertyOptional()
  @Optional()
  @IsLine()
  description?: string;

  @ApiPropertyOptional({ description: 'Why it is deactivated; recorded for auditors.' })
  @Optional()
  @IsLine()
  reason?: string;
}

export class AnsweredOwner implements OwnerRef {
  @ApiProperty({
    enum: ['User', 'Group', 'Connection'],
    description: 'Connection: the agent was pushed as a user, and its manager is nobody whom the connection pushed.',
  })
  type: OwnerRef['type'];

  @ApiProperty()
  id: string;
}

export class AgentAnswer {
  @ApiProperty()
  id: string;

  @ApiProperty()
  name: string;

  @ApiProperty()
  active: boolean;

  @ApiProperty({ type: [AnsweredOwner] })
  owners: readonly AnsweredOwner[];

  @ApiPropertyOptional()
  parentId?: string;

  @ApiPropertyOptional()
  description?: string;

  @ApiProperty({ format: 'date-time' })
  created: string;

  @ApiProperty({ format: 'date-time' })
  lastModified: string;
}
