// What is answered about cascades and revocations.
import { TARGET_STATES, type AuditedState, type CascadeStatus } from '@app/audit';
import type { CascadeSubject, Grade } from '@app/events';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { STATUSES } from './cascades.dto.js';
import { Next, TimeIfAny, TrailLineAnswer } from './trail-answers.dto.js';

/** One line for each: a kind of subject without a line does not compile. */
const SUBJECTS: Readonly<Record<CascadeSubject['type'], true>> = {
  user: true,
  agent: true,
  application: true,
  group: true,
  role: true,
  credential: true,
  schedule: true,
  run: true,
};

const GRADES = ['A', 'B', 'C', 'W'] as const satisfies readonly Grade[];

export class NamedAnswer {
  @ApiProperty()
  id: string;

  @ApiPropertyOptional({ description: 'Left out where it is unknown or erased.' })
  name?: string;
}

export class SubjectAnswer extends NamedAnswer {
  @ApiProperty({ enum: Object.keys(SUBJECTS) })
  type: CascadeSubject['type'];
}

/** How far the time to revoke has been measured. */
class TimesAnswer {
  @TimeIfAny('The first attempt.')
  t2?: string | undefined;

  @TimeIfAny('The last acknowledgement.')
  t3?: string | undefined;

  @TimeIfAny('The last verification.')
  t4?: string | undefined;
}

export class RevocationAnswer extends TimesAnswer {
  @ApiProperty()
  targetId: string;

  @ApiProperty()
  cascadeId: string;

  @ApiPropertyOptional({ type: NamedAnswer, description: 'On whose behalf it is held.' })
  user?: NamedAnswer | undefined;

  @ApiPropertyOptional({ type: NamedAnswer, description: 'By which agent it is held.' })
  agent?: NamedAnswer | undefined;

  @ApiProperty()
  providerId: string;

  @ApiProperty({ example: 'credential', description: 'credential, schedule or run.' })
  holdingType: string;

  @ApiProperty({ description: 'The id under which it was registered.' })
  holdingId: string;

  @ApiProperty({ example: 'oauth_refresh_token' })
  kind: string;

  @TimeIfAny('When it ends by itself.')
  expiresAt?: string | undefined;

  @ApiProperty({ format: 'date-time' })
  plannedAt: string;

  @ApiProperty({
    enum: TARGET_STATES,
    description:
      'planned, due: to be attempted. deferred: an attempt or a probe failed. parked: the regular attempts are over. ' +
      'acknowledged: the provider said yes. verified, expired, waived: ended with grade A, C, W.',
  })
  state: AuditedState;

  @ApiProperty({ description: 'Whether it has ended.' })
  settled: boolean;

  @ApiPropertyOptional({ enum: GRADES, description: 'What it is worth so far. Left out: nothing yet.' })
  grade?: Grade | undefined;

  @ApiProperty({ type: 'integer', description: 'Attempts and probes so far.' })
  attempts: number;

  @TimeIfAny('When the next attempt or probe is due. Left out once it has ended.')
  nextAt?: string | undefined;

  @ApiPropertyOptional({ type: String, description: 'Why the last attempt did not succeed, for filters.' })
  lastClass?: string | undefined;

  @ApiPropertyOptional({ type: String, description: 'The same in words.' })
  lastReason?: string | undefined;
}

export class RevocationPage {
  @ApiProperty({ type: [RevocationAnswer] })
  items: readonly RevocationAnswer[];

  @Next()
  next?: string | undefined;
}

export class RevocationWithHistory extends RevocationAnswer {
  @ApiProperty({ type: [TrailLineAnswer], description: 'The newest 100, the newest first; the trail has the rest.' })
  history: readonly TrailLineAnswer[];
}

export class CascadeAnswer extends TimesAnswer {
  @ApiProperty()
  cascadeId: string;

  @ApiProperty({ type: SubjectAnswer, description: 'Who or what lost access.' })
  subject: SubjectAnswer;

  @ApiProperty({ description: 'Id of the event that took access away.' })
  causeEventId: string;

  @ApiProperty({ example: 'UserDeactivated' })
  causeType: string;

  @ApiProperty()
  correlationId: string;

  @ApiProperty({ enum: STATUSES })
  status: CascadeStatus;

  @ApiProperty({ type: 'integer' })
  targetCount: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: `Revocations by state: ${TARGET_STATES.join(', ')}.`,
  })
  counts: Readonly<Record<AuditedState, number>>;

  @ApiProperty({ type: 'integer', description: 'Revocations that have ended.' })
  settledCount: number;

  @ApiProperty({ format: 'date-time', description: 'The request was received.' })
  t0: string;

  @ApiProperty({ format: 'date-time', description: 'Every gate denied from here on.' })
  t1: string;

  @ApiProperty({ format: 'date-time' })
  startedAt: string;

  @TimeIfAny('Left out while it is open.')
  completedAt?: string | undefined;
}

export class CascadePage {
  @ApiProperty({ type: [CascadeAnswer] })
  items: readonly CascadeAnswer[];

  @Next()
  next?: string | undefined;
}

export class CascadeWithRevocations extends CascadeAnswer {
  @ApiProperty({ type: RevocationPage })
  targets: RevocationPage;
}
