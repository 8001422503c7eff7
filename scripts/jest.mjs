// Runs the tests and counts what passed and what failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './setup.mjs';

/**
 * @param {readonly string[]} args further arguments of jest
 * @returns {Promise<{ code: number, summary: string }>} the exit code and `N passed, N failed`
 */
export async function runJest(args = []) {
  const folder = mkdtempSync(join(tmpdir(), 'jest-'));
  const outputFile = join(folder, 'results.json');
  const node = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const code = await runProgram([...node, '--json', `--outputFile=${outputFile}`, ...args], {
    // The results are in the file as well.
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const summary = summaryOf(outputFile);
  rmSync(folder, { recursive: true, force: true });
  return { code, summary };
}

function summaryOf(outputFile) {
  try {
    const results = JSON.parse(readFileSync(outputFile, 'utf8'));
    // A suite that could not be loaded has no tests that failed.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    return `${results.numPassedTests} passed, ${failed} failed`;
  } catch {
    return '0 passed, 1 failed';
  }
}
