// What every script needs first: a Node that is new enough, the dependencies, a fresh build, the servers of the tests.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findExecutable, installPackage } from '../libs/jobs/src/system-package.mjs';
import { BROWSER, BROWSER_PACKAGES, findBrowser } from './browser.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts) => join(root, ...parts);

/** The Node 24 that comes with the dependencies, whatever runs this script. */
const NODE = inRoot('node_modules', '.bin', 'node');
const NEST = inRoot('node_modules', '@nestjs', 'cli', 'bin', 'nest.js');

const VERIFIER = join('audit', 'src', 'verifier', 'verify.mjs');

const OLDEST_NODE = 20;
const BUILD_INPUTS = ['apps', 'libs', 'test/bench', 'test/demo', 'nest-cli.json', 'package-lock.json', 'tsconfig.json'];
const NOT_BUILT = /\.(spec|e2e-spec|contract|fixture)\.(ts|mjs)$/;

/** A failure that a person can mend: shown without a stack trace. */
export class SetupError extends Error {}

/** Progress goes to stderr: standard output belongs to the program that is started. */
export const say = (line) => void process.stderr.write(`${line}\n`);

/** Runs the body of a script; what fails is said in one line, and the script ends with its exit code or 1. */
export async function main(body) {
  process.chdir(root);
  try {
    process.exitCode = await body();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`\n${error.message}`);
    process.exitCode = 1;
  }
}

/** Installs what is missing and builds what is stale. */
export async function prepare() {
  await installDependencies();
  await build();
}

export async function installDependencies() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: install Node ${OLDEST_NODE} or later (nodejs.org).`,
    );
  }
  if (!isStale(inRoot('node_modules', '.package-lock.json'), inRoot('package-lock.json'))) return;
  if (lstatSync(inRoot('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new SetupError(
      'node_modules is a link and not up to date: npm ci would empty what it links to. Remove the link.',
    );
  }
  say('Installing the dependencies (npm ci) ...');
  // Without the Node of the dependencies, which npm ci removes first.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((place) => !place.endsWith(join('node_modules', '.bin')));
  const { code, errors } = await run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    env: { ...process.env, PATH: path.join(delimiter) },
  });
  if (code !== 0) throw new SetupError(`npm ci failed${causeOf(errors, 'the messages above say why')}`);
}

/** Compiles into dist/ unless it was compiled from the very same sources. */
export async function build() {
  const stamp = inRoot('dist', '.built-from');
  const fingerprint = fingerprintOf(BUILD_INPUTS);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return;
  say('Building ...');
  const { code, errors } = await run(NODE, [NEST, 'build', 'standalone']);
  if (code !== 0) throw new SetupError(`The build failed${causeOf(errors, 'the messages above say where')}`);
  // The compiler prints it anew; an auditor is to get the very bytes that are published here.
  copyFileSync(inRoot('libs', VERIFIER), inRoot('dist', 'libs', VERIFIER));
  writeFileSync(stamp, fingerprint);
}

/** For what starts a Redis of its own. */
export const ensureRedis = () =>
  ensureServer('Redis', () => findExecutable('redis-server'), { apt: 'redis-server', brew: 'redis' });

/** The servers the tests start for themselves, and the browser they open the console in. */
export async function ensureTestServers() {
  await ensureRedis();
  await ensureServer('PostgreSQL', findPostgres, { apt: 'postgresql', brew: 'postgresql' });
  // Without one the promises about the console fail, saying so, and everything else is tested.
  if (!(await isInstalled(findBrowser, BROWSER_PACKAGES))) say(missing(BROWSER, BROWSER_PACKAGES));
}

async function ensureServer(name, find, packages) {
  if (!(await isInstalled(find, packages))) throw new SetupError(missing(name, packages));
}

/** Installs it where it may be installed. */
async function isInstalled(find, packages) {
  if (find() === undefined) await installPackage(packages, say);
  return find() !== undefined;
}

const missing = (name, { apt, brew }) =>
  `${name} is missing: install it with "apt-get install ${apt}" (as root) or "brew install ${brew}".`;

/** Debian keeps the server away from PATH. */
function findPostgres() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : [];
  return findExecutable('postgres', versions);
}

/**
 * Runs a command of the set-up; what it prints goes to stderr.
 * @returns {Promise<{ code: number, errors: string }>} its exit code and the end of what it wrote
 */
export function run(command, args, { env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        errors = (errors + text).slice(-20_000);
        process.stderr.write(text);
      });
    }
    child.once('error', (error) => reject(new SetupError(`${command} cannot be started: ${error.message}`)));
    child.once('close', (code) => resolve({ code: code ?? 1, errors }));
  });
}

/**
 * Runs a program of the project under its Node, with this script's input and output; passes on SIGINT and SIGTERM.
 * @returns {Promise<number>} its exit code
 */
export function runProgram(args, { stdio = 'inherit' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(NODE, args, { cwd: root, stdio });
    // A terminal sends Ctrl-C to the program as well.
    const onInterrupt = () => process.stdin.isTTY || child.kill('SIGINT');
    const onTerminate = () => child.kill('SIGTERM');
    process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
    child.once('error', (error) => reject(new SetupError(`Node cannot be started: ${error.message}. Run "npm ci".`)));
    child.once('close', (code, signal) => {
      process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

function causeOf(output, otherwise) {
  if (/ENOSPC|no space left/i.test(output)) return ': the disk is full. Free some space and try again.';
  if (/EACCES|EPERM/.test(output)) return ': this user may not write here. Mend the owner of the folder and try again.';
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET/.test(output)) {
    return ': the package registry cannot be reached. Check the network (npm config get registry) and try again.';
  }
  return `; ${otherwise}.`;
}

const isStale = (made, source) => !existsSync(made) || statSync(made).mtimeMs < statSync(source).mtimeMs;

function fingerprintOf(inputs) {
  const hash = createHash('sha256');
  for (const path of inputs.flatMap(filesOf).sort()) {
    const { size, mtimeMs } = statSync(inRoot(path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function filesOf(path) {
  if (!existsSync(inRoot(path))) return [];
  if (!statSync(inRoot(path)).isDirectory()) return NOT_BUILT.test(path) ? [] : [path];
  return readdirSync(inRoot(path)).flatMap((name) => filesOf(`${path}/${name}`));
}
