// The service as `npm start` runs it, with a connection of its own for each client, and the log that it writes.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteReader } from '@app/event-log';
import type { RecordedEvent } from '@app/events';
import { ApiClient, startService, type ApiAnswer } from '@app/testkit';

/** JSON of any shape, looked into by matchers. */
export type Json = any;

export interface Client {
  /** Of the connection. */
  readonly id: string;
  ask(method: string, path: string, body?: unknown): Promise<ApiAnswer<Json>>;
  /** @returns what must have been created */
  create(path: string, body: object): Promise<Json>;
  /** What its requests have appended since the last call, without the bookkeeping of names. */
  appended(): Promise<RecordedEvent[]>;
}

export type StartedService = Awaited<ReturnType<typeof startedService>>;

const bookkeeping = new Set(['UserNameReserved', 'UserNameReleased']);

export async function startedService() {
  const dataDir = mkdtempSync(join(tmpdir(), 'conformance-'));
  const service = await startService({ dataDir, env: { LOG_LEVEL: 'warn' } });
  const log = SqliteReader.open({ directory: dataDir });
  const api = new ApiClient(service.apiBaseUrl, service.apiKey as string);

  async function connect(name: string, dialect: 'lenient' | 'strict' = 'lenient'): Promise<Client> {
    const { id } = (await api.post<{ id: string }>('/connections', { name, dialect })).body;
    const { token } = (await api.post<{ token: string }>(`/connections/${id}/tokens`, {})).body;
    const scim = new ApiClient(service.scimBaseUrl, token, 'application/scim+json');
    const ask = (method: string, path: string, body?: unknown) => scim.send<Json>(method, path, body);
    let seen = await log.head();
    return {
      id,
      ask,
      async create(path, body) {
        const answer = await ask('POST', path, body);
        if (answer.status !== 201) throw new Error(`${path} was answered ${answer.status}`);
        return answer.body;
      },
      async appended() {
        const events = await log.readAll({ ...(seen === undefined ? {} : { after: seen }), max: 100_000 });
        seen = events.at(-1)?.position ?? seen;
        return events.filter(({ type, metadata }) => metadata.actor === `scim:${id}` && !bookkeeping.has(type));
      },
    };
  }

  return {
    connect,
    api,
    scimBaseUrl: service.scimBaseUrl,
    async stop(): Promise<void> {
      await log.close();
      await service.stop();
    },
  };
}
