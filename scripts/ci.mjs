// Everything that must be green, in one command: stops at the first thing that is not.
import { runJest } from './jest.mjs';
import { build, ensureTestServers, installDependencies, main, runProgram, say, SetupError } from './setup.mjs';

const tool =
  (...args) =>
  async () => {
    if ((await runProgram(args)) !== 0) throw new SetupError('');
  };

const steps = {
  dependencies: installDependencies,
  'lock file': tool('scripts/check-lock.mjs'),
  formatting: tool('node_modules/prettier/bin/prettier.cjs', '--check', '.'),
  lint: tool('node_modules/oxlint/bin/oxlint', '--deny-warnings'),
  types: tool('node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'),
  'unused code': tool('node_modules/knip/bin/knip.js'),
  build,
  'test servers': ensureTestServers,
};

await main(async () => {
  for (const [name, step] of Object.entries(steps)) {
    const started = Date.now();
    try {
      await step();
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(`${error.message}\nci stops: ${name} is not green.`);
      console.log('0 passed, 1 failed');
      return 1;
    }
    say(`ci: ${name} is green (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  }
  const { code, summary } = await runJest();
  console.log(summary);
  return code;
});
