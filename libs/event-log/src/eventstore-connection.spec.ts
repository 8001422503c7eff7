// Connections to EventStoreDB: found through a cluster, replaced when dead, gone when the log is closed.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startEventStoreServer, type EventStoreServer } from '@app/testkit';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventLogUnavailable } from './event-log.port.js';
import { EventStoreLog } from './eventstore.adapter.js';
import { newStream, runEnded, runsEnded } from './run-events.fixture.js';

const TIMEOUT_MS = 1_000;
/** What a busy machine may add: less than the ten seconds after which the client itself would give up. */
const GRACE_MS = 8_000;

jest.setTimeout(30_000);

let server: EventStoreServer;
let log: EventStoreLog;
beforeEach(async () => {
  server = await startEventStoreServer();
  log = EventStoreLog.connect({ url: server.url, timeoutMs: TIMEOUT_MS });
});
afterEach(async () => {
  await log.close();
  await server.stop();
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await nextTurn();
};

/** The call fails as unavailable, and does so in time. */
async function expectUnavailable(call: () => Promise<unknown>): Promise<void> {
  const before = performance.now();
  await expect(call()).rejects.toBeInstanceOf(EventLogUnavailable);
  expect(performance.now() - before).toBeLessThan(TIMEOUT_MS + GRACE_MS);
}

describe('a cluster', () => {
  it('is written through its leader, and through the next one when the leader is gone', async () => {
    const second = await startEventStoreServer();
    server.leader = second;
    const nodes = `esdb://127.0.0.1:${server.port},127.0.0.1:${second.port}?tls=false`;
    const clustered = EventStoreLog.connect({ url: nodes, timeoutMs: 5_000 });
    const before = server.size;
    await clustered.append(newStream(), 'no-stream', [runEnded('a')]);
    expect([server.size, second.size]).toEqual([before, before + 1]);
    server.leader = server;
    await second.stop();
    const [stream, events] = [newStream(), [runEnded('b')]];
    await expect(clustered.append(stream, 'no-stream', events)).rejects.toBeInstanceOf(EventLogUnavailable);
    expect((await clustered.append(stream, 'no-stream', events)).revision).toBe(0n);
    await server.stop();
    const lost = EventStoreLog.connect({ url: nodes, timeoutMs: TIMEOUT_MS });
    await expectUnavailable(() => lost.head());
    const closing = performance.now();
    await Promise.all([lost.close(), clustered.close()]);
    expect(performance.now() - closing).toBeLessThan(TIMEOUT_MS + GRACE_MS);
  });
});

describe('a connection', () => {
  it('that is open and dead is replaced after one timeout, though a subscriber is on one too', async () => {
    await log.append(newStream(), 'no-stream', [runEnded('before')]);
    const stop = new AbortController();
    let seen = 0;
    const following = (async () => {
      for await (const { events } of log.subscribe({ signal: stop.signal })) seen += events.length;
    })();
    await until(() => seen === 1);
    server.silence();
    const stream = newStream();
    const events = [runEnded('a')];
    await expectUnavailable(() => log.append(stream, 'no-stream', events));
    expect((await log.append(stream, 'no-stream', events)).revision).toBe(0n);
    stop.abort();
    await following;
  });

  it('is not needed to begin with', async () => {
    await server.stop();
    const early = EventStoreLog.connect({ url: server.url, timeoutMs: TIMEOUT_MS });
    await expectUnavailable(() => early.head());
    await server.restart();
    expect(await early.head()).toBeUndefined();
    await early.close();
  });

  it('is gone when the log is closed, after failures as well', async () => {
    server.fault('mute', 1, 'append');
    await expectUnavailable(() => log.append(newStream(), 'no-stream', [runEnded('a')]));
    server.fault('mute', 1, 'read');
    await expectUnavailable(() => log.readAll());
    await log.append(newStream(), 'no-stream', runsEnded(500));
    expect(await log.readAll({ max: 1 })).toHaveLength(1);
    const following = (async () => {
      for await (const _ of log.subscribe({ signal: new AbortController().signal }));
    })();
    const ended = following.catch((error: unknown) => error);
    await until(() => server.openConnections >= 3);
    await log.close();
    expect(await ended).toEqual(new EventLogUnavailable('the event log is closed'));
    await until(() => server.openConnections === 0);
  });

  it('is gone when the log is closed, though the server never said a word', async () => {
    const sockets = new Set<Socket>();
    const mute = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined).resume());
      socket.on('close', () => sockets.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const unheard = EventStoreLog.connect({ url: `esdb://127.0.0.1:${port}?tls=false`, timeoutMs: TIMEOUT_MS });
    await expectUnavailable(() => unheard.head());
    expect(sockets.size).toBe(1);
    await unheard.close();
    await until(() => sockets.size === 0);
    mute.close();
  });

  it('is refused for a URL that cannot be read, without repeating the password in it', () => {
    const connect = () => EventStoreLog.connect({ url: 'http://admin:changeit@host:2113' });
    expect(connect).toThrow(/write esdb:\/\/host:2113\?tls=false/);
    expect(connect).not.toThrow(/changeit/);
  });
});
