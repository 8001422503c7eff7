// What is answered about the trail and the ledger.
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** A time that is left out where there is none. */
export const TimeIfAny = (description: string) =>
  ApiPropertyOptional({ type: String, format: 'date-time', description });

/** Of a page. */
export const Next = () =>
  ApiPropertyOptional({
    type: String,
    description: 'Send it as `cursor` for the next page. Left out on the last one.',
  });

export class TrailLineAnswer {
  @ApiProperty({ type: 'integer', description: 'Number of the event in the ledger.' })
  seq: number;

  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ example: 'RevocationVerified' })
  type: string;

  @ApiProperty()
  stream: string;

  @ApiProperty({ description: 'Who did it, such as `operator:<id of the key>`.' })
  actor: string;

  @ApiProperty()
  correlationId: string;

  @ApiPropertyOptional({ type: String })
  cascadeId?: string | undefined;

  @ApiPropertyOptional({ type: String })
  targetId?: string | undefined;

  @ApiProperty()
  sentence: string;
}

export class TrailAnswer {
  @ApiProperty({ type: [TrailLineAnswer] })
  items: readonly TrailLineAnswer[];

  @Next()
  next?: string | undefined;
}

export class EventProofAnswer {
  @ApiProperty({ type: 'integer' })
  seq: number;

  @ApiProperty()
  eventId: string;

  @ApiProperty({ example: 'UserDeactivated' })
  type: string;

  @ApiProperty({ description: 'Exactly as stored: the leaf is SHA-256 of a zero byte and its UTF-8.' })
  event: string;

  @ApiProperty({ format: 'byte' })
  leafHash: string;

  @ApiProperty({ type: [String], description: 'Hashes in Base64, from the leaf up to the root of the checkpoint.' })
  path: readonly string[];

  @ApiProperty({ description: 'A signed note (C2SP tlog-checkpoint).' })
  checkpoint: string;
}
