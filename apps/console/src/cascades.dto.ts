// What may be asked about cascades and revocations, and what an operator must say to change one.
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { IsName, Paging } from './paging.dto.js';

const STATUSES = ['open', 'complete', 'complete-with-waivers'] as const;

export class ListCascades extends Paging {
  @IsOptional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  /** Id of the user, agent, group or other thing that lost access. */
  @IsOptional()
  @IsName()
  subject?: string;

  /** Id of a user: cascades of theirs, and others that end something held on their behalf. */
  @IsOptional()
  @IsName()
  person?: string;

  @IsOptional()
  @IsName()
  provider?: string;
}

/**
 * - `pending`: has not ended, in whatever state; `failed` and `parked` are among them
 * - `failed`: the last attempt or probe failed, and the next comes by itself
 * - `parked`: the regular attempts are over, or the provider cannot do it; tried rarely, somebody should look
 * - `settled`: ended, with a grade
 */
const LISTS = ['pending', 'failed', 'parked', 'settled'] as const;

export class ListRevocations extends Paging {
  @IsOptional()
  @IsIn(LISTS)
  state?: (typeof LISTS)[number];

  @IsOptional()
  @IsName()
  provider?: string;

  /** Id of the user on whose behalf, or of the agent by which it is held. */
  @IsOptional()
  @IsName()
  subject?: string;

  /** Why the last attempt did not succeed: `rate-limited`, `connector-broken`, ... */
  @IsOptional()
  @IsName()
  class?: string;

  @IsOptional()
  @IsIn(['newest', 'oldest'])
  order?: 'newest' | 'oldest';
}

/** Text for people: one line, not blank. */
const IsLine = () => Matches(/^(?=.*\S)[^\p{Cc}]*$/u, { message: '$property must be one line that is not blank' });

export class Reason {
  /** Recorded, and shown to auditors. */
  @IsString()
  @MaxLength(500)
  @IsLine()
  reason!: string;
}

export class RetryRequest extends Reason {
  /** Who asks; the key that was used when absent. */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  @IsLine()
  by?: string;
}

export class WaiveRequest extends Reason {
  /** The person who answers for it, by name. */
  @IsString()
  @MaxLength(200)
  @IsLine()
  by!: string;
}
