import 'reflect-metadata';
import { Clock, ManualClock } from '@app/runtime';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { createHttpApp, Requires, TokenRegistry, type Principal } from './index.js';
import { RateLimit } from './rate-limit.js';

describe('a rate limit', () => {
  it('lets a burst of two seconds in, then as many as the rate allows', () => {
    const limit = new RateLimit(10);
    const admitted = (now: number) => Array.from({ length: 50 }, () => limit.take('c', now)).filter((n) => n === 0);
    expect(admitted(0)).toHaveLength(20);
    expect(admitted(100)).toHaveLength(1);
    expect(admitted(1_100)).toHaveLength(10);
    expect(admitted(3_600_000)).toHaveLength(20);
  });

  it('says after how many whole seconds to come again, at least one', () => {
    const [fast, slow] = [new RateLimit(100), new RateLimit(1)];
    for (let i = 0; i < 200; i += 1) expect(fast.take('c', 0)).toBe(0);
    expect(fast.take('c', 0)).toBe(1);
    expect([slow.take('c', 0), slow.take('c', 0), slow.take('c', 0)]).toEqual([0, 0, 1]);
  });

  it('forgets whom it has not seen for longest, so that it does not grow for ever', () => {
    const limit = new RateLimit(1);
    const spent = (id: string) => [0, 0, 0].map(() => limit.take(id, 0)).at(-1) === 1;
    expect(spent('early')).toBe(true);
    for (let i = 0; i < 10_000; i += 1) limit.take(`c${i}`, 0);
    expect(limit.take('early', 0)).toBe(0);
    expect(spent('c9999')).toBe(true);
  });

  it('is counted for each connection by itself', () => {
    const limit = new RateLimit(1);
    expect(['a', 'a', 'a', 'b'].map((id) => limit.take(id, 0))).toEqual([0, 0, 1, 0]);
  });

  it('forgets who has not come for a while', () => {
    const limit = new RateLimit(1);
    for (let n = 0; n < 100_000; n += 1) limit.take(`c${n}`, n);
    expect(limit.size).toBeLessThan(5_000);
    expect(['c99999', 'c99999', 'c99999'].map((id) => limit.take(id, 99_999))).toEqual([0, 1, 1]);
  });

  it('lets in no less when the clock is set back', () => {
    const limit = new RateLimit(1);
    expect([limit.take('c', 10_000), limit.take('c', 0), limit.take('c', 1_000)]).toEqual([0, 0, 0]);
  });
});

class Tokens extends TokenRegistry {
  override async find(token: string): Promise<Principal | undefined> {
    if (token === 'operator') return { tenant: 'acme', keyId: 'k', roles: ['operator'], actor: 'operator:k' };
    const connection = { id: token.slice(0, 1), dialect: 'lenient' } as const;
    return { tenant: 'acme', keyId: token, roles: ['scim'], connection, actor: `scim:${connection.id}` };
  }
}

@Controller('scim/v2')
@Requires('scim', 'operator')
class UsersController {
  @Get('Users')
  list(): object {
    return {};
  }
}

const clock = new ManualClock();

@Module({
  controllers: [UsersController],
  providers: [
    { provide: TokenRegistry, useClass: Tokens },
    { provide: Clock, useValue: clock },
  ],
})
class AppModule {}

async function statuses(requestsPerSecond: number, tokens: readonly string[]) {
  const app = await createHttpApp(AppModule, { logger: false, requestsPerSecond });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const ask = (token: string) =>
    app.inject({ method: 'GET', url: '/scim/v2/Users', headers: { authorization: `Bearer ${token}` } });
  const answers = [];
  for (const token of tokens) {
    if (token === 'later') clock.advance(1_000);
    else answers.push(await ask(token));
  }
  await app.close();
  return answers;
}

describe('a service with a rate limit', () => {
  it('answers 429 as a SCIM error with an integer Retry-After, whichever token of the connection was sent', async () => {
    const answers = await statuses(1, ['a1', 'a2', 'a1', 'b1', 'operator', 'operator', 'operator', 'later', 'a2']);
    expect(answers.map((answer) => answer.statusCode)).toEqual([200, 200, 429, 200, 200, 200, 200, 200]);
    expect(answers[2]?.headers['retry-after']).toBe('1');
    expect(answers[2]?.json()).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '429',
    });
  });

  it('has none when it is 0', async () => {
    const answers = await statuses(0, Array<string>(50).fill('a1'));
    expect(new Set(answers.map((answer) => answer.statusCode))).toEqual(new Set([200]));
  });
});
