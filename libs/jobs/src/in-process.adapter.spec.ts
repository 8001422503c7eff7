import { describe } from '@jest/globals';
import { InProcessQueue } from './in-process.adapter.js';
import { jobQueueContract } from './job-queue.contract.js';

describe('the in-process queue', () => {
  jobQueueContract((onError) => new InProcessQueue({ onError }));
});
