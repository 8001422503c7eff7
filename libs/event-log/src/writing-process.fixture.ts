// A process that appends to the embedded log until it is killed, and prints a stream's name after each acknowledgement.
import { writeSync } from 'node:fs';
import { newStream, runEnded } from './run-events.fixture.js';
import { SqliteEventLog } from './sqlite.adapter.js';

const log = SqliteEventLog.open({ directory: process.argv[2] as string });
async function write(): Promise<never> {
  const stream = newStream();
  for (let i = 0; ; i += 1) {
    await log.append(stream, i === 0 ? 'no-stream' : BigInt(i - 1), [runEnded(`${i}`)]);
    // Synchronous: what is printed has left the process before the next append begins.
    writeSync(1, `${stream}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, write));
