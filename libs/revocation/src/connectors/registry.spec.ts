import { describe, expect, it } from '@jest/globals';
import { Connectors } from './registry.js';

describe('the registry', () => {
  it('finds every connector under the name it records in its evidence', async () => {
    const connectors = new Connectors();
    expect(connectors.names()).toEqual(['rfc7009', 'refresh-token', 'webhook', 'bullmq-schedule']);
    for (const name of connectors.names()) expect(connectors.get(name)?.name).toBe(name);
    expect(connectors.get('none')).toBeUndefined();
    await connectors.close();
  });
});
