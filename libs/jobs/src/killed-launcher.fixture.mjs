// A process with a private Redis: prints its URL and waits to be killed. Argument: the directory of the data.
import './source-imports.fixture.mjs';

const { launchRedis } = await import('./redis-launcher.ts');
const redis = await launchRedis({ directory: process.argv[2], log: (line) => console.error(line) });
process.stdout.write(redis.url);
setInterval(() => undefined, 60_000);
