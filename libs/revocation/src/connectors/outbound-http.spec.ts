import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { buildConnector } from 'undici';
import { OutboundHttp, type OutboundOptions, type OutboundRequest } from './outbound-http.js';

const open: Array<() => Promise<unknown>> = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function listen(listener: RequestListener): Promise<{ origin: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return closed;
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

function client(options: OutboundOptions = {}): OutboundHttp {
  const http = new OutboundHttp({ allowHttp: true, allowLoopback: true }, options);
  open.push(() => http.close());
  return http;
}

const call = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest => ({
  tenant: 'acme',
  method: 'POST',
  url,
  body: 'token=t',
  ...more,
});

describe('an outbound call', () => {
  it('answers with status, kept headers, body and its digest', async () => {
    const { origin } = await listen((request, response) => {
      request.resume();
      response.writeHead(429, { 'retry-after': '7', 'x-request-id': 'r1', 'set-cookie': 'a=b' }).end('slow down');
    });
    expect(await client().request(call(`${origin}/revoke?x=1`))).toEqual({
      kind: 'answer',
      status: 429,
      headers: { 'retry-after': '7', 'x-request-id': 'r1' },
      bodyText: 'slow down',
      bodySha256: createHash('sha256').update('slow down').digest('hex'),
    });
  });

  it('sends method, path, query, headers and body as given', async () => {
    let seen = '';
    const { origin } = await listen((request, response) => {
      request.setEncoding('utf8');
      request.on('data', (chunk) => (seen += chunk));
      request.on('end', () => {
        seen = `${request.method} ${request.url} ${request.headers['x-a']} ${seen}`;
        response.end();
      });
    });
    await client().request(call(`${origin}/p?q=1`, { headers: { 'x-a': 'b' } }));
    expect(seen).toBe('POST /p?q=1 b token=t');
  });

  it('does not follow a redirect', async () => {
    const { origin } = await listen((request, response) => {
      request.resume();
      response.writeHead(request.url === '/from' ? 307 : 200, { location: '/to' }).end();
    });
    expect(await client().request(call(`${origin}/from`))).toMatchObject({ kind: 'answer', status: 307 });
  });

  it('keeps 64 KiB of a longer answer and says so', async () => {
    const { origin } = await listen((request, response) => {
      request.resume();
      response.end('x'.repeat(200_000));
    });
    const result = await client().request(call(origin));
    expect(result).toMatchObject({ kind: 'answer', status: 200 });
    expect(result.kind === 'answer' && result.bodyText.length).toBe(65_536);
  });

  it('ends as a timeout with unknown effect when the provider never answers', async () => {
    const { origin } = await listen((request) => request.resume());
    const result = await client().request(call(origin, { timeoutMs: 30 }));
    expect(result).toEqual({ kind: 'timeout', code: 'timed-out', sent: true });
  });

  it('ends as a timeout when the answer stops half way', async () => {
    const { origin } = await listen((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half');
    });
    expect(await client().request(call(origin, { timeoutMs: 50 }))).toMatchObject({ kind: 'timeout', sent: true });
  });

  it('is taken back unsent when its time is over before a connection is free', async () => {
    let received = 0;
    const { origin, server } = await listen((request) => {
      received += 1;
      request.resume();
    });
    const http = client({ connections: 1 });
    const first = http.request(call(origin, { timeoutMs: 60 }));
    const second = http.request(call(origin, { timeoutMs: 20 }));
    expect(await second).toEqual({ kind: 'timeout', code: 'timed-out', sent: false });
    expect(await first).toMatchObject({ sent: true });
    await http.request(call(origin, { timeoutMs: 20 }));
    expect(server.listening).toBe(true);
    expect(received).toBe(2);
  });

  it('ends at once when its signal aborts', async () => {
    const abort = new AbortController();
    const { origin } = await listen((request) => {
      request.resume();
      abort.abort();
    });
    const result = await client().request(call(origin, { signal: abort.signal }));
    expect(result).toEqual({ kind: 'timeout', code: 'aborted', sent: true });
    expect(await client().request(call(origin, { signal: abort.signal }))).toMatchObject({
      code: 'aborted',
      sent: false,
    });
  });

  it('is known to be unsent when nobody listens', async () => {
    const { origin, server } = await listen(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    expect(await client().request(call(origin))).toEqual({ kind: 'network', code: 'ECONNREFUSED', sent: false });
  });

  it('has an unknown effect when the connection breaks before the answer', async () => {
    const { origin } = await listen((request) => request.socket.destroy());
    expect(await client().request(call(origin))).toMatchObject({ kind: 'network', sent: true });
  });

  it('shows no secret in a failure', async () => {
    const { origin } = await listen((request) => request.socket.destroy());
    const secret = 'canary-token';
    const result = await client().request(
      call(`${origin}/?token=${secret}`, { body: secret, headers: { authorization: secret } }),
    );
    expect(result.kind).toBe('network');
    expect(JSON.stringify(result)).not.toContain(secret);
  });
});

describe('a refused call', () => {
  const never: buildConnector.connector = () => {
    throw new Error('connected although refused');
  };

  it.each(['http://127.1/', 'http://0x7f.1/', 'http://2130706433/', 'http://[::ffff:7f00:1]/', 'http://localhost/'])(
    'to %s is not connected when loopback is not allowed',
    async (url) => {
      const policy = { allowHttp: true, allowLoopback: false };
      const http = new OutboundHttp(policy, { connect: never, resolve: async () => ['127.0.0.1'] });
      open.push(() => http.close());
      expect(await http.request(call(url))).toEqual({ kind: 'refused', code: 'address-not-allowed', sent: false });
    },
  );

  it('by scheme, host or spelling never reaches the resolver', async () => {
    const policy = { allowHttp: false, allowLoopback: true, hostsOf: () => ['idp.example'] };
    const http = new OutboundHttp(policy, { connect: never, resolve: async () => Promise.reject(new Error('asked')) });
    open.push(() => http.close());
    expect(await http.request(call('http://idp.example/'))).toMatchObject({ code: 'scheme-not-allowed' });
    expect(await http.request(call('https://other.example/'))).toMatchObject({ code: 'host-not-allowed' });
    expect(await http.request(call('no url'))).toMatchObject({ code: 'invalid-url' });
  });

  it('of an unknown name is a network failure', async () => {
    const http = client({
      connect: never,
      resolve: async () => Promise.reject(Object.assign(new Error('nobody'), { code: 'ENOTFOUND' })),
    });
    expect(await http.request(call('http://unknown.example/'))).toEqual({
      kind: 'network',
      code: 'ENOTFOUND',
      sent: false,
    });
  });
});

describe('the pool', () => {
  it('opens as many connections as calls wait, up to its limit, and reuses them', async () => {
    let sockets = 0;
    const waiting: Array<() => void> = [];
    const { origin, server } = await listen((request, response) => {
      request.resume();
      waiting.push(() => response.end());
      if (waiting.length === 50) for (const end of waiting.splice(0)) end();
    });
    server.on('connection', () => (sockets += 1));
    const http = client({ connections: 50 });
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => http.request(call(origin))));
    }
    expect(sockets).toBe(50);
  });
});
