// Runs all tests on a fresh build, after installing what they need; arguments go to jest.
import { runJest } from './jest.mjs';
import { ensureTestServers, main, prepare } from './setup.mjs';

await main(async () => {
  await prepare();
  await ensureTestServers();
  const { code, summary } = await runJest(process.argv.slice(2));
  console.log(summary);
  return code;
});
