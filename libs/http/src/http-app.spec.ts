import 'reflect-metadata';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { EventLogUnavailable, NotYetVisible } from '@app/event-log';
import { Clock, ManualClock } from '@app/runtime';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Module, Patch, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RequestContext } from '@app/events';
import {
  Caller,
  Context,
  createHttpApp,
  ProblemError,
  Public,
  Requires,
  TokenRegistry,
  type Principal,
} from './index.js';

const principals: Record<string, Principal> = {
  scim: {
    tenant: 'acme',
    keyId: 'k1',
    roles: ['scim'],
    connection: { id: 'c1', dialect: 'lenient' },
    actor: 'scim:c1',
  },
  operator: { tenant: 'acme', keyId: 'k2', roles: ['operator'], actor: 'operator:k2' },
};

class Tokens extends TokenRegistry {
  override async find(token: string): Promise<Principal | undefined> {
    return principals[token];
  }
}

let bodies = 0;

@Controller('scim/v2')
@Requires('scim')
class ScimController {
  @Get('Users')
  list(@Caller() caller: Principal): object {
    return { tenant: caller.tenant };
  }

  @Post('Users')
  create(@Body() body: object, @Context() context: RequestContext): object {
    bodies += 1;
    return { body, context };
  }

  @Post('Bulk')
  bulk(): object {
    return {};
  }

  @Patch('Users/:id')
  change(): never {
    throw new EventLogUnavailable('esdb://user:hunter2@host refused');
  }
}

@Controller('v1')
class PlatformController {
  @Get('open')
  @Public()
  open(): string {
    return 'open';
  }

  @Get('undeclared')
  undeclared(): string {
    return 'nobody may read this';
  }

  @Get('problem')
  @Requires('operator')
  problem(): never {
    throw new ProblemError({ status: 409, code: 'subject_denied', detail: 'Denied.', extra: { id: 'x' } });
  }

  @Get('late')
  @Requires('operator')
  late(): never {
    throw new NotYetVisible('the read models have not reached position 7 within 2000 ms');
  }

  @Get('away')
  @Requires('operator')
  away(): never {
    throw Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { code: 'ECONNREFUSED' });
  }

  @Get('defect')
  @Requires('operator')
  defect(): never {
    throw new Error('password=hunter2');
  }
}

@Module({
  controllers: [ScimController, PlatformController],
  providers: [
    { provide: TokenRegistry, useClass: Tokens },
    { provide: Clock, useValue: new ManualClock() },
  ],
})
class AppModule {}

let app: NestFastifyApplication;
const listening = async (): Promise<Server> => {
  const server = app.getHttpServer() as Server;
  if (!server.listening) await app.listen(0, '127.0.0.1');
  return server;
};
const inject = (
  method: string,
  url: string,
  token?: string,
  payload?: string | Buffer,
  type = 'application/scim+json',
) =>
  app.inject({
    method: method as 'GET',
    url,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(payload === undefined ? {} : { 'content-type': type }),
    },
    ...(payload === undefined ? {} : { payload }),
  });

beforeAll(async () => {
  app = await createHttpApp(AppModule, { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});
afterAll(() => app.close());

describe('the guard', () => {
  it('lets a token of the right kind in and tells the handler who is calling', async () => {
    const answer = await inject('POST', '/scim/v2/Users', 'scim', '{"a":1}');
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({
      body: { a: 1 },
      context: {
        tenant: 'acme',
        actor: 'scim:c1',
        connection: 'c1',
        correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        receivedAt: '2026-01-01T00:00:00.000Z',
      },
    });
  });

  it('answers 401 with a challenge without a known token, 403 with one of the wrong kind', async () => {
    for (const token of [undefined, 'unknown', 'scim x']) {
      const answer = await inject('GET', '/scim/v2/Users', token);
      const why = token === undefined ? '' : ', error="invalid_token"';
      expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([
        401,
        `Bearer realm="scim-cascade"${why}`,
      ]);
      expect(answer.json()).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' });
    }
    expect((await inject('GET', '/scim/v2/Users', 'operator')).statusCode).toBe(403);
  });

  it('closes a route that declares nothing to everybody', async () => {
    expect((await inject('GET', '/v1/undeclared', 'operator')).statusCode).toBe(403);
    expect((await inject('GET', '/v1/undeclared')).statusCode).toBe(401);
    expect((await inject('GET', '/v1/open')).statusCode).toBe(200);
  });

  it.each([
    '/scim/v2/Users/',
    '/scim/v2/users',
    '/scim//v2/Users',
    '//scim/v2/Users',
    '/scim/v2/%55sers',
    '/scim%2fv2/Users',
    '/scim/v2/Users;x=1',
    '/scim/v2/Users?token=scim',
    '/scim/v2/./Users',
    '/v1/../scim/v2/Users',
    '/scim/v2/Users%00',
    '/scim/v2/Users%2e',
  ])('lets nobody in by another spelling: %s', async (url) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await inject(method, url, undefined, method === 'POST' ? '{}' : undefined);
      expect([400, 401, 404]).toContain(answer.statusCode);
      expect(answer.body).not.toContain('acme');
    }
  });
});

describe('bodies', () => {
  it('are not parsed for a stranger, whatever they hold', async () => {
    const before = bodies;
    expect((await inject('POST', '/scim/v2/Users', undefined, '{"broken')).statusCode).toBe(401);
    expect(bodies).toBe(before);
  });

  it('are not even waited for when they are of a stranger, and the connection stays of use', async () => {
    const { port } = (await listening()).address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    const statuses = async (count: number): Promise<string[]> => {
      const found = () => [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status as string);
      while (found().length < count) await once(socket, 'data');
      return found();
    };
    const bytes = 2 * 1024 * 1024;
    const type = 'Content-Type: application/scim+json';
    socket.write(`POST /scim/v2/Bulk HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: ${bytes}\r\n\r\n[`);
    expect(await statuses(1)).toEqual(['401']);
    socket.write(Buffer.alloc(bytes - 1, 0x20));
    socket.write('GET /v1/open HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await statuses(2)).toEqual(['401', '200']);
    socket.write(`POST /v1/problem HTTP/1.1\r\nHost: x\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    expect(await statuses(3)).toEqual(['401', '200', '401']);
    socket.destroy();
  });

  it('have to come in time', async () => {
    const { requestTimeout, headersTimeout } = await listening();
    expect([requestTimeout, headersTimeout]).toEqual([30_000, 10_000]);
  });

  it.each([
    ['malformed JSON', '{"broken', 'application/scim+json', 400, 'invalidSyntax'],
    [
      'bytes that are not UTF-8',
      Buffer.from([0x22, 0xff, 0x22]).toString('latin1'),
      'application/json',
      201,
      undefined,
    ],
    ['nesting', `${'['.repeat(33)}${']'.repeat(33)}`, 'application/json', 400, 'invalidSyntax'],
    ['nesting at its limit', `${'['.repeat(32)}${']'.repeat(32)}`, 'application/json', 201, undefined],
    ['another content type', '<a/>', 'application/xml', 415, undefined],
    ['a body above 1 MiB', `"${'x'.repeat(1024 * 1024)}"`, 'application/json', 413, 'tooMany'],
  ])('%s: the right SCIM error', async (_, payload, type, status, scimType) => {
    const answer = await inject('POST', '/scim/v2/Users', 'scim', payload, type);
    expect(answer.statusCode).toBe(status);
    if (status >= 400) expect(answer.json()).toMatchObject({ status: String(status) });
    expect(answer.json().scimType).toBe(scimType);
  });

  it('may be 2 MiB in a bulk request', async () => {
    expect((await inject('POST', '/scim/v2/Bulk', 'scim', `"${'x'.repeat(1024 * 1024)}"`)).statusCode).toBe(201);
    expect((await inject('POST', '/scim/v2/Bulk', 'scim', `"${'x'.repeat(2 * 1024 * 1024)}"`)).statusCode).toBe(413);
  });
});

describe('errors', () => {
  it('answers 503 with an integer Retry-After when the log is down, without saying where it is', async () => {
    const answer = await inject('PATCH', '/scim/v2/Users/1', 'scim', '{}');
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    expect(answer.body).not.toContain('hunter2');
    expect(answer.json().detail).toMatch(/may be recorded all the same.*look first .*without a unique name/);
  });

  it('says of what is recorded and not shown yet that it is recorded', async () => {
    const answer = await inject('GET', '/v1/late', 'operator');
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    expect(answer.json()).toMatchObject({
      code: 'not_yet_visible',
      detail: expect.stringMatching(/recorded.*unless it creates.*409.*second time/),
    });
  });

  it('answers 503 with Retry-After while the database is away, without saying where it is', async () => {
    const answer = await inject('GET', '/v1/away', 'operator');
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    expect(answer.body).not.toContain('10.1.2.3');
    expect(answer.json().detail).toMatch(/cannot be reached.*may be recorded all the same/);
  });

  it('answers problem+json outside /scim, with the code and what belongs to it', async () => {
    const answer = await inject('GET', '/v1/problem', 'operator');
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.json()).toMatchObject({ status: 409, code: 'subject_denied', detail: 'Denied.', id: 'x' });
    expect((await inject('GET', '/v1/nowhere', 'operator')).json()).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('reveals nothing of a defect of ours', async () => {
    const answer = await inject('GET', '/v1/defect', 'operator');
    expect([answer.statusCode, answer.body.includes('hunter2')]).toEqual([500, false]);
  });
});
