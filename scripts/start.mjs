// Runs a program of the build, installed and built first: node scripts/start.mjs <file under dist> [its arguments].
import { ensureRedis, main, prepare, runProgram } from './setup.mjs';

const [program, ...args] = process.argv.slice(2);

// Requests leave much behind that is dead at once: in a larger young generation it dies before anything is moved.
const FLAGS = ['--enable-source-maps', '--max-semi-space-size=64'];

await main(async () => {
  await prepare();
  // The service looks for a Redis itself; the demo and the benchmark start one beside it.
  if (program.startsWith('test/')) await ensureRedis();
  return runProgram([...FLAGS, `dist/${program}`, ...args]);
});
