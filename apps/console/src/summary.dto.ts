// What is answered about how things stand.
import { ApiProperty } from '@nestjs/swagger';
import { TimeIfAny } from './trail-answers.dto.js';

export class SummaryAnswer {
  @ApiProperty({ type: 'integer' })
  openCascades: number;

  @ApiProperty({ type: 'integer', description: 'Revocations that have not ended; the next two are among them.' })
  pending: number;

  @ApiProperty({ type: 'integer', description: 'The last attempt or probe failed, and the next comes by itself.' })
  failed: number;

  @ApiProperty({ type: 'integer', description: 'The regular attempts are over: somebody should look.' })
  parked: number;

  @TimeIfAny('When the oldest of them was planned. Left out: all have ended.')
  oldestPlannedAt?: string | undefined;

  @ApiProperty({ type: 'integer' })
  oldestAgeSeconds: number;

  @ApiProperty({ type: 'integer', description: 'Denies that no worker has planned anything for yet.' })
  unplannedDenies: number;

  @TimeIfAny('When the oldest of these denied. Left out: there are none.')
  oldestUnplannedAt?: string | undefined;

  @ApiProperty({ type: 'integer' })
  oldestUnplannedAgeSeconds: number;
}

export class LaneAnswer {
  @ApiProperty()
  tenant: string;

  @ApiProperty()
  providerId: string;

  @ApiProperty({ type: 'integer', description: 'Revocations that are being attempted.' })
  inFlight: number;

  @TimeIfAny('The provider asked to be left alone until then.')
  pausedUntil?: string | undefined;

  @ApiProperty({ description: 'The provider refuses us: one revocation at a time tries whether it still does.' })
  broken: boolean;
}

export class LaneList {
  @ApiProperty({ type: [LaneAnswer] })
  items: readonly LaneAnswer[];
}
