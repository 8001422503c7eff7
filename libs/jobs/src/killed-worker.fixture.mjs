// A worker in a process of its own that never finishes its job: the spec kills it. Arguments: Redis URL, queue name.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

// Node strips the types by itself; only the names of the files differ from those of the build.
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
      if (existsSync(fileURLToPath(source))) return next(source.href, context);
    }
    return next(specifier, context);
  },
});

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
