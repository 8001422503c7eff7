// The EventStoreDB log keeps the contract and outlives every failure of its server.
import { startEventStoreServer } from '@app/testkit';
import { describe } from '@jest/globals';
import { eventLogContract } from './event-log.contract.js';
import { EventStoreLog } from './eventstore.adapter.js';

describe('EventStoreLog', () => {
  eventLogContract(async () => {
    const server = await startEventStoreServer();
    let log = EventStoreLog.connect(server);
    return {
      log,
      reopen: async () => (log = EventStoreLog.connect(server)),
      stop: async () => {
        await log.close();
        await server.stop();
      },
    };
  });
});
