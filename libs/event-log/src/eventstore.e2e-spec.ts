// The contract of the event log on a real EventStoreDB: `EVENTSTORE_URL=esdb://... npm run test:eventstore`.
import { describe } from '@jest/globals';
import { eventLogContract } from './event-log.contract.js';
import { EventStoreLog } from './eventstore.adapter.js';

const url = process.env['EVENTSTORE_URL'];
if (url === undefined || url === '') {
  throw new Error(
    'EVENTSTORE_URL is not set: start an EventStoreDB and give its URL, such as esdb://127.0.0.1:2113?tls=false',
  );
}

describe('EventStoreLog on a real server', () => {
  eventLogContract(async () => {
    let log = EventStoreLog.connect({ url });
    // Fails here, once and clearly, when nothing answers.
    await log.head();
    return {
      log,
      reopen: async () => (log = EventStoreLog.connect({ url })),
      stop: () => log.close(),
    };
  });
});
