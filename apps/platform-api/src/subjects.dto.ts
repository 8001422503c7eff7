// The question that is asked before each use of a credential, and its answer.
import { type StatusReason } from '@app/revocation';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsChosenId, IsDirectoryId, Optional } from './fields.dto.js';

export class StatusQuery {
  @ApiPropertyOptional({ description: 'May it still act for this user?' })
  @Optional()
  @IsDirectoryId()
  onBehalfOf?: string;

  @ApiPropertyOptional({ description: 'May it still use this credential?' })
  @Optional()
  @IsChosenId()
  credentialId?: string;
}

export class StatusAnswer {
  @ApiProperty()
  subjectId: string;

  @ApiProperty({ enum: ['user', 'agent', 'unknown'] })
  type: 'user' | 'agent' | 'unknown';

  @ApiProperty({ description: 'Whatever else an answer says: without true here, do not act.' })
  mayAct: boolean;

  @ApiProperty({
    type: [String],
    description:
      'unknown; user_unknown, user_deactivated, user_deleted; agent_unknown, agent_deactivated, agent_deleted, agent_orphaned, application_denied, parent_denied; group_missing; credential_unknown, credential_released, credential_revoked, credential_not_held.',
  })
  reasons: readonly StatusReason[];

  @ApiProperty({ description: 'Raised by each reactivation; nothing of an earlier generation is restored.' })
  generation: number;

  @ApiProperty({ description: 'Position in the log up to which this answer holds.' })
  asOf: string;
}
