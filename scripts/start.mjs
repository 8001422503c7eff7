// Runs a program of the build, installed and built first: node scripts/start.mjs <file under dist> [its arguments].
import { main, prepare, runProgram } from './setup.mjs';

const [program, ...args] = process.argv.slice(2);

await main(async () => {
  await prepare();
  return runProgram(['--enable-source-maps', `dist/${program}`, ...args]);
});
