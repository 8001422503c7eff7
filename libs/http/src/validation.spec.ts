import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import type { ArgumentMetadata } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, ValidateNested } from 'class-validator';
import { ProblemError } from './problem.js';
import { validated } from './validation.js';

class Paging {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Max(100)
  limit?: number;
}

class Query {
  @IsIn(['open', 'closed'])
  state!: string;

  @IsOptional()
  @ValidateNested()
  @Type(() => Paging)
  paging?: Paging;
}

const metadata: ArgumentMetadata = { type: 'query', metatype: Query };
const errorsOf = async (value: object): Promise<unknown> => {
  try {
    await validated().transform(value, metadata);
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
  }
  throw new Error('it was accepted');
};

describe('a validated request', () => {
  it('arrives as its class, with numbers where texts were sent', async () => {
    const query = (await validated().transform({ state: 'open', paging: { limit: '5' } }, metadata)) as Query;
    expect(query).toBeInstanceOf(Query);
    expect(query.paging?.limit).toBe(5);
  });

  it('is told everything that is wrong at once', async () => {
    expect(await errorsOf({ state: 'ajar', paging: { limit: 101 } })).toMatchObject({
      status: 400,
      code: 'invalid_request',
      extra: {
        errors: [
          { field: 'state', message: 'state must be one of the following values: open, closed' },
          { field: 'paging.limit', message: 'limit must not be greater than 100' },
        ],
      },
    });
  });

  it('never has its own text quoted back, not even the name of a field', async () => {
    const text = JSON.stringify(await errorsOf({ state: 'hunter2', hunter3: 'hunter4', paging: { hunter5: 1 } }));
    expect(text).not.toContain('hunter');
    expect(text.match(/not known here/g)).toHaveLength(2);
  });
});
