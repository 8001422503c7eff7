// The question that is asked before each use of a credential, and its answer.
import { type StatusReason } from '@app/revocation';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsChosenId, IsDirectoryId, Optional } from './fields.dto.js';

/** One line for each: a reason without a line does not compile. */
const REASONS: Readonly<Record<StatusReason, true>> = {
  unknown: true,
  user_unknown: true,
  user_deactivated: true,
  user_deleted: true,
  agent_unknown: true,
  agent_deactivated: true,
  agent_deleted: true,
  agent_orphaned: true,
  application_denied: true,
  parent_denied: true,
  group_missing: true,
  role_missing: true,
  condition_unmet: true,
  credential_unknown: true,
  credential_released: true,
  credential_revoked: true,
  credential_not_held: true,
};

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
    description: `${Object.keys(REASONS).join(', ')}.`,
  })
  reasons: readonly StatusReason[];

  @ApiProperty({ description: 'Raised by each reactivation; nothing of an earlier generation is restored.' })
  generation: number;

  @ApiProperty({ description: 'Position in the log up to which this answer holds.' })
  asOf: string;
}
