import 'reflect-metadata';
import { EventLog } from '@app/event-log';
import { createHttpApp, TokenRegistry } from '@app/http';
import { Clock, ManualClock } from '@app/runtime';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Module, type LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { HealthController } from './health.controller.js';
import { Views } from './views.js';

let app: NestFastifyApplication;
const errors: unknown[] = [];
const ignore = () => undefined;
const logger: LoggerService = { log: ignore, warn: ignore, error: (...said: unknown[]) => errors.push(said) };
const state = { failing: [] as string[], logFails: false };

@Module({
  controllers: [HealthController],
  providers: [
    { provide: Clock, useValue: new ManualClock() },
    { provide: TokenRegistry, useValue: { find: () => Promise.resolve(undefined) } },
    { provide: Views, useValue: { failing: () => [...state.failing] } },
    {
      provide: EventLog,
      useValue: { head: () => (state.logFails ? Promise.reject(new Error('gone')) : Promise.resolve(0n)) },
    },
  ],
})
class Health {}

beforeAll(async () => {
  app = await createHttpApp(Health, { logger });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});
afterAll(() => app.close());

it('is ready while the log can be read and all views follow it', async () => {
  const answer = await app.inject({ method: 'GET', url: '/readyz' });
  expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok' }]);
});

it('is answered 503 with the names of what does not follow, as no defect of ours', async () => {
  Object.assign(state, { failing: ['gate'], logFails: true });
  const answer = await app.inject({ method: 'GET', url: '/readyz' });
  expect(answer.statusCode).toBe(503);
  expect(answer.headers).toMatchObject({ 'retry-after': '5', 'content-type': expect.stringMatching('problem') });
  expect(answer.json()).toMatchObject({ code: 'not_ready', detail: expect.stringMatching('gate, event log') });
  expect((await app.inject({ method: 'GET', url: '/healthz' })).statusCode).toBe(200);
  expect(errors).toEqual([]);
});
