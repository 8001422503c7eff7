// Finds and installs programs of the system; plain JavaScript, because the set-up scripts use it before there is a build.
import { spawn, spawnSync } from 'node:child_process';

/** Where package managers put servers that a PATH may lack. */
const USUAL_PLACES = [
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/opt/local/bin',
];
const INSTALL_WITHIN_MS = 180_000;

/**
 * @param {string} name
 * @param {readonly string[]} [places] folders to look in after PATH and the usual places
 * @returns {string | undefined} the path of the executable
 */
export function findExecutable(name, places = []) {
  const more = [...USUAL_PLACES, ...places].join(':');
  const found = spawnSync('sh', ['-c', 'PATH="$PATH:$1"; command -v "$2"', 'sh', more, name], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/**
 * Installs a package with apt-get (as root) or brew, saying so.
 * @param {{ apt: string, brew: string }} names what each package manager calls it
 * @param {(line: string) => void} log
 * @returns {Promise<boolean>} false when there is no package manager that may install, or it failed
 */
export async function installPackage({ apt, brew }, log) {
  const aptGet = process.getuid?.() === 0 ? findExecutable('apt-get') : undefined;
  const brewPath = process.platform === 'darwin' ? findExecutable('brew') : undefined;
  if (aptGet !== undefined) {
    log(`Installing ${apt} with apt-get.`);
    const patience = ['-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::Retries=1'];
    const install = ['install', '--yes', '--no-install-recommends', apt];
    // Old lists of packages may do as well.
    await run(aptGet, [...patience, 'update'], log);
    return run(aptGet, [...patience, ...install], log);
  }
  if (brewPath === undefined) return false;
  log(`Installing ${brew} with brew.`);
  return run(brewPath, ['install', brew], log);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {(line: string) => void} log told of the end of the output when the command fails
 * @returns {Promise<boolean>}
 */
function run(command, args, log) {
  return new Promise((resolve) => {
    const child = spawn('env', ['DEBIAN_FRONTEND=noninteractive', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: INSTALL_WITHIN_MS,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output = (output + text).slice(-500)));
    child.once('error', () => resolve(false));
    child.once('close', (code) => {
      if (code !== 0) log(`${command} failed: ${output.trim().split('\n').at(-1) ?? ''}`);
      resolve(code === 0);
    });
  });
}
