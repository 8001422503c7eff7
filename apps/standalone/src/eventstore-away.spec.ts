// A start without its EventStoreDB ends in seconds, with a sentence that says what to do.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@app/runtime';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { openInfrastructure } from './infrastructure.js';

/** Twice the patience of a call, to read and to close, and what a busy machine may add: less than the client's own ten. */
const WITHIN_MS = 9_000;

let server: Server;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eventstore-away-'));
  // Takes connections and never says a word.
  server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await rm(directory, { recursive: true });
});

const closedPort = async (): Promise<number> => {
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

async function failedStart(eventStoreUrl: string): Promise<string> {
  const config = readConfig({ DATA_DIR: directory, EVENTLOG: 'eventstoredb', EVENTSTORE_URL: eventStoreUrl });
  const before = performance.now();
  const error: unknown = await openInfrastructure(config, new Logger()).catch((reason: unknown) => reason);
  expect(performance.now() - before).toBeLessThan(WITHIN_MS);
  return (error as Error).message;
}

it.each([
  ['one node', (port: number) => `esdb://127.0.0.1:${port}?tls=false`, /ECONNREFUSED 127\.0\.0\.1:\d+/],
  [
    'a cluster',
    (port: number) => `esdb://127.0.0.1:${port},127.0.0.1:${port}?tls=false`,
    /Failed to discover after 10 attempts/,
  ],
])('where nobody listens: %s', async (_, urlOf, why) => {
  const text = await failedStart(urlOf(await closedPort()));
  expect(text).toMatch(why);
  expect(text).toMatch(
    /^The EventStoreDB of EVENTSTORE_URL cannot be read: the event log failed: .*\w\. Start it, or mend EVENTSTORE_URL\.$/,
  );
});

it('where nobody answers', async () => {
  expect(await failedStart(`esdb://127.0.0.1:${(server.address() as AddressInfo).port}?tls=false`)).toBe(
    'The EventStoreDB of EVENTSTORE_URL cannot be read: the event log did not answer within 3000 ms. Start it, or mend EVENTSTORE_URL.',
  );
});
