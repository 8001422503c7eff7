// What was put back from a copy, lost or never belonged together is noticed at the start, and nobody keeps access because of it.
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ApiClient, startPrivatePostgres, startService, type ServiceOptions, type ServiceProcess } from '@app/testkit';

interface Created {
  readonly id: string;
}

const env = { JOBS: 'in-process' };
const freshDir = (): string => mkdtempSync(join(tmpdir(), 'cascade-restored-'));
const refusalOf = (options: ServiceOptions): Promise<string> =>
  startService(options).then(
    async (service) => `started with ${await service.stop()}`,
    (error: Error) => error.message,
  );

/** Keys are shown by the first start only. */
const clientsOf = ({ scimBaseUrl, apiBaseUrl }: ServiceProcess, { scimToken = '', apiKey = '' }: ServiceProcess) => ({
  scim: new ApiClient(scimBaseUrl, scimToken, 'application/scim+json'),
  api: new ApiClient(apiBaseUrl, apiKey),
});
type Clients = ReturnType<typeof clientsOf>;

const create = async ({ scim }: Clients, userName: string): Promise<string> => {
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
  return (await scim.post<Created>('/Users', { schemas, userName })).body.id;
};
const deactivate = ({ scim }: Clients, id: string) =>
  scim.patch(`/Users/${id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'Replace', path: 'active', value: 'False' }],
  });
const mayAct = async ({ api }: Clients, id: string): Promise<unknown> =>
  (await api.get(`/subjects/${id}/status`)).body['mayAct'];

describe('a log that was put back from a copy', () => {
  it('is not followed by a ledger that is newer, and by views that are made anew', async () => {
    const dataDir = freshDir();
    const first = await startService({ dataDir, env });
    const ada = await create(clientsOf(first, first), 'ada@example.com');
    await first.stop();
    cpSync(join(dataDir, 'events.db'), join(dataDir, 'events.copy'));
    const second = await startService({ dataDir, env });
    for (let i = 0; i < 15; i += 1) await create(clientsOf(second, first), `user${i}@example.com`);
    await second.stop();
    cpSync(join(dataDir, 'events.copy'), join(dataDir, 'events.db'));

    expect(await refusalOf({ dataDir, env })).toMatch(/view "audit" reaches to event .*newest copy of the log/);
    renameSync(join(dataDir, 'audit.db'), join(dataDir, 'audit.before'));
    const third = await startService({ dataDir, env });
    const clients = clientsOf(third, first);
    expect(await mayAct(clients, ada)).toBe(true);
    expect((await deactivate(clients, ada)).status).toBe(200);
    expect(await mayAct(clients, ada)).toBe(false);
    await third.stop();

    rmSync(join(dataDir, 'events.db'));
    expect(await refusalOf({ dataDir, env })).toMatch(/log is empty, but the view .*Put the log back/);
  });
});

describe('a vault that is not the one of the log', () => {
  it('keeps the service from starting: lost, or looked for elsewhere', async () => {
    const dataDir = freshDir();
    await (await startService({ dataDir, env })).stop();
    const postgres = await startPrivatePostgres();
    const elsewhere = { dataDir, env: { ...env, DATABASE_URL: postgres.url } };
    expect(await refusalOf(elsewhere)).toMatch(/vault of this log is elsewhere.*vault\.db.*DATABASE_URL/);
    await postgres.stop();
    expect(await refusalOf(elsewhere)).toMatch(/DATABASE_URL cannot be opened: .*ECONNREFUSED/);
    rmSync(join(dataDir, 'vault.db'));
    expect(await refusalOf({ dataDir, env })).toMatch(/vault of this log is elsewhere/);
  });
});

describe('a start', () => {
  it('that is told to stop while it waits for a database is not cut off, unless it is told twice', async () => {
    const database = createServer().listen(0, '127.0.0.1');
    await once(database, 'listening');
    const { port } = database.address() as { port: number };
    const child = spawn(process.execPath, [join('dist', 'apps', 'standalone', 'src', 'main.js')], {
      env: { PORT: '0', DATA_DIR: freshDir(), ...env, DATABASE_URL: `postgres://127.0.0.1:${port}/x` },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    const [socket] = (await once(database, 'connection')) as [Socket];
    child.kill('SIGTERM');
    for await (const text of child.stderr.setEncoding('utf8')) if ((text as string).includes('Draining')) break;
    child.kill('SIGTERM');
    expect(await ended).toEqual([130, null]);
    socket.destroy();
    database.close();
  });
});

describe('a first start', () => {
  it('that cannot listen leaves the keys to the next', async () => {
    const dataDir = freshDir();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    expect(await refusalOf({ dataDir, env: { ...env, PORT: String(port) } })).toMatch(/port is taken/);
    taken.close();
    expect(await refusalOf({ dataDir, env: { ...env, HOST: '192.0.2.1' } })).toMatch(/HOST is not an address/);
    const service = await startService({ dataDir, env });
    expect(service.apiKey).toMatch(/^key_/);
    await service.stop();
  });

  it('is refused before anything is made where its arguments or files are wrong', async () => {
    const dataDir = join(freshDir(), 'not-made');
    expect(await refusalOf({ dataDir, env, args: ['--bogus'] })).toMatch(/ended with 2:[^]*Usage: npm start/);
    const files = { SCIM_EXTENSIONS: '/nowhere.json', SCIM_RESOURCE_TYPES: '/nowhere.json' };
    expect(await refusalOf({ dataDir, env: { ...env, ...files } })).toMatch(
      /2 problems[^]*SCIM_EXTENSIONS[^]*SCIM_RESOURCE_TYPES/,
    );
    expect(() => cpSync(dataDir, freshDir(), { recursive: true })).toThrow('ENOENT');
    const file = join(freshDir(), 'file');
    cpSync('package.json', file);
    expect(await refusalOf({ dataDir: file, env })).toMatch(/DATA_DIR is .*it is a file/);
  });
});
