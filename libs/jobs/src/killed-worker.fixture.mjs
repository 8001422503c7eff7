// A worker in a process of its own that never finishes its job; SIGTERM closes it. Arguments: Redis URL, queue name.
import './source-imports.fixture.mjs';

const { BullMqQueue } = await import('./bullmq.adapter.ts');
const [redisUrl, queueName] = process.argv.slice(2);
const queue = BullMqQueue.connect({ redisUrl, queueName, onError: (error) => console.error(error) });
await queue.work(
  async ({ id }) => {
    process.stdout.write(`${id}\n`);
    await new Promise(() => undefined);
  },
  { concurrency: 1 },
);
process.once('SIGTERM', () => queue.close(0));
