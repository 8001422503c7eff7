import { describe, expect, it } from '@jest/globals';
import { ExchangeLog, type Exchange } from './exchange-log.js';

const exchange = (at: number): Exchange => ({
  at,
  method: 'GET',
  route: '/scim/v2/Users',
  resourceId: undefined,
  status: 200,
  scimType: undefined,
  durationMs: 1,
  quirks: undefined,
  requestId: String(at),
});

describe('the log of exchanges', () => {
  it('keeps the last 500 of each connection, the newest first', () => {
    const log = new ExchangeLog();
    for (let at = 0; at < 1_234; at += 1) log.add('busy', exchange(at));
    log.add('quiet', exchange(7));
    expect(log.of('busy').map(({ at }) => at)).toEqual(Array.from({ length: 500 }, (_, i) => 1_233 - i));
    expect(log.of('quiet')).toEqual([exchange(7)]);
    expect(log.of('unknown')).toEqual([]);
  });
});
