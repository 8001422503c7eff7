// A process that appends to the embedded log until it is killed, and prints a stream's name after each acknowledgement.
import { existsSync, writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const libs = new URL('../../', import.meta.url);

// Node runs the TypeScript of this workspace directly; only the names have to be resolved.
registerHooks({
  resolve(specifier, context, next) {
    const room = /^@app\/([a-z-]+)$/.exec(specifier);
    if (room !== null) return next(new URL(`${room[1]}/src/index.ts`, libs).href, context);
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL !== undefined) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
      if (existsSync(fileURLToPath(source))) return next(source.href, context);
    }
    return next(specifier, context);
  },
});

const { newStream, runEnded } = await import('./run-events.fixture.ts');
const { SqliteEventLog } = await import('./sqlite.adapter.ts');

const log = SqliteEventLog.open({ directory: process.argv[2] });

async function write() {
  const stream = newStream();
  for (let i = 0; ; i += 1) {
    await log.append(stream, i === 0 ? 'no-stream' : BigInt(i - 1), [runEnded(`${i}`)]);
    // Synchronous: what is printed has left the process before the next append begins.
    writeSync(1, `${stream}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, write));
