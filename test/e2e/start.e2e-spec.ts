import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ApiClient, startService } from '@app/testkit';

const freshDir = (): string => mkdtempSync(join(tmpdir(), 'cascade-start-'));
const scimOf = (baseUrl: string, token: string | undefined) =>
  new ApiClient(baseUrl, token ?? '', 'application/scim+json');

describe('a start', () => {
  it('shows the keys once, and a second start keeps the data and the keys', async () => {
    const dataDir = freshDir();
    const first = await startService({ dataDir });
    const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@example.com' };
    const created = await scimOf(first.scimBaseUrl, first.scimToken).post<{ id: string }>('/Users', user);
    expect(created.status).toBe(201);
    expect(await first.stop()).toBe(0);

    const second = await startService({ dataDir });
    expect([second.scimToken, second.apiKey]).toEqual([undefined, undefined]);
    const read = await scimOf(second.scimBaseUrl, first.scimToken).get(`/Users/${created.body.id}`);
    expect(read.body['userName']).toBe('ada@example.com');
    const status = await new ApiClient(second.apiBaseUrl, first.apiKey ?? '').get(
      `/subjects/${created.body.id}/status`,
    );
    expect(status.body['mayAct']).toBe(true);
    expect(await second.stop()).toBe(0);
  });

  it('issues further keys when the first ones were lost, and makes another tenant when it is named', async () => {
    const dataDir = freshDir();
    const first = await startService({ dataDir });
    await first.stop();
    const second = await startService({ dataDir, args: ['--issue-keys'] });
    expect(second.scimToken).toMatch(/^scim_/);
    expect((await scimOf(second.scimBaseUrl, first.scimToken).get('/Users')).status).toBe(200);
    expect((await scimOf(second.scimBaseUrl, second.scimToken).get('/Users')).status).toBe(200);
    await second.stop();
    // A connection has at most two valid tokens; the key to revoke one is issued all the same.
    const again = await startService({ dataDir, args: ['--issue-keys'] });
    expect([again.scimToken, again.apiKey?.slice(0, 4)]).toEqual([undefined, 'key_']);
    await again.stop();
    const third = await startService({ dataDir, args: ['--tenant', 'globex'] });
    expect(third.apiKey).toMatch(/^key_/);
    await third.stop();
  });

  it('answers that it lives and that it is ready', async () => {
    const service = await startService();
    const origin = new URL(service.scimBaseUrl).origin;
    for (const path of ['/healthz', '/readyz', '/console']) expect((await fetch(`${origin}${path}`)).status).toBe(200);
    await service.stop();
  });

  it('ends with a sentence that says what is wrong and how to mend it', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(startService({ env: { PORT: String(port) } })).rejects.toThrow(/port is taken.*Choose another/i);
    taken.close();

    await expect(startService({ env: { EVENTLOG: 'postgres', RETRY_CURVE_MS: 'soon' } })).rejects.toThrow(
      /2 problems(?=[^]*RETRY_CURVE_MS)(?=[^]*EVENTLOG)/,
    );
    const dataDir = freshDir();
    const running = await startService({ dataDir });
    await expect(startService({ dataDir })).rejects.toThrow(/held by another process[^]*DATA_DIR/);
    await running.stop();
    const otherKey = Buffer.alloc(32, 7).toString('base64');
    const refused = startService({ dataDir, env: { VAULT_KEY: otherKey } }).catch((error: Error) => error.message);
    expect(await refused).toMatch(/VAULT_KEY|root key/);
    expect(await refused).not.toContain(otherKey);
  });
});
