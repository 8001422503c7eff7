import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

jest.setTimeout(60_000);

const ROOT = join(import.meta.dirname, '..', '..');
const OXLINT = join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint');

/** @returns `file: message` of everything the linter finds in a folder */
function lint(folder: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    // The link to the dependencies is followed otherwise.
    const args = [OXLINT, '--deny-warnings', '--format=json', '--ignore-pattern=node_modules'];
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      if (!stdout.startsWith('{')) return reject(error ?? new Error('the linter does not answer'));
      const { diagnostics } = JSON.parse(stdout) as {
        diagnostics: { filename: string; message: string; help?: string }[];
      };
      resolve(diagnostics.map(({ filename, message, help }) => `${filename}: ${message} ${help ?? ''}`));
    });
  });
}

const DOOR = 'A room is entered by its door';
const WALL = 'Leave a room by the door';
const LEVEL = 'imports rooms of lower levels only';
const DRIVER = 'may know this driver';
const ENVIRONMENT = 'process.env';

const importing = (from: string) => `import * as it from '${from}';\nexport default it;\n`;

/** A file, what it says, and what the linter answers; undefined: nothing. */
const CASES: readonly (readonly [file: string, text: string, answer: string | undefined])[] = [
  ['libs/audit/src/deep.ts', importing('@app/event-log/src/follow.js'), DOOR],
  ['libs/audit/src/deep.spec.ts', importing('@app/event-log/follow.js'), DOOR],
  ['apps/standalone/src/deep.ts', importing('@app/worker/src/index.js'), DOOR],
  ['libs/audit/src/out.ts', importing('../../events/src/index.js'), WALL],
  ['libs/audit/src/nested/out.ts', importing('../../../events/src/catalog.js'), WALL],
  ['libs/audit/src/out.spec.ts', importing('../../testkit/src/index.js'), WALL],
  ['libs/audit/src/sideways.ts', importing('@app/revocation'), LEVEL],
  ['libs/directory/src/sideways.ts', importing('@app/audit'), LEVEL],
  ['libs/revocation/src/sideways.ts', importing('@app/directory'), LEVEL],
  ['libs/revocation/src/sideways.spec.ts', importing('@app/directory'), LEVEL],
  ['libs/revocation/src/type.ts', `import type { A } from '@app/directory';\nexport type B = A;\n`, LEVEL],
  ['libs/revocation/src/again.ts', `export * from '@app/directory';\n`, LEVEL],
  ['libs/events/src/up.ts', importing('@app/event-log'), LEVEL],
  ['libs/jobs/src/sideways.ts', importing('@app/runtime'), LEVEL],
  ['libs/event-log/src/up.ts', importing('@app/http'), LEVEL],
  ['apps/worker/src/sideways.ts', importing('@app/console'), LEVEL],
  ['apps/worker/src/up.ts', importing('@app/standalone'), LEVEL],
  ['apps/worker/src/kit.ts', importing('@app/testkit'), LEVEL],
  ['apps/standalone/src/kit.ts', importing('@app/testkit'), LEVEL],
  ['libs/audit/src/kit.ts', importing('@app/testkit'), LEVEL],
  ['libs/jobs/src/redis.ts', importing('ioredis'), DRIVER],
  ['libs/jobs/src/in-process.adapter.ts', importing('bullmq'), DRIVER],
  ['apps/worker/src/redis.ts', importing('bullmq'), DRIVER],
  ['libs/event-log/src/follow.ts', importing('@eventstore/db-client'), DRIVER],
  ['libs/event-log/src/sqlite.adapter.ts', importing('@eventstore/db-client'), DRIVER],
  ['libs/directory/src/db.ts', importing('node:sqlite'), DRIVER],
  ['libs/audit/src/db.ts', importing('pg'), DRIVER],
  ['libs/jobs/src/env.ts', `export const path = process.env['PATH'];\n`, ENVIRONMENT],
  ['apps/standalone/src/env.ts', `export const { PATH } = process.env;\n`, ENVIRONMENT],
  ['libs/runtime/src/logger.ts', `export const path = process.env.PATH;\n`, ENVIRONMENT],

  ['libs/audit/src/door.ts', importing('@app/event-log'), undefined],
  ['libs/audit/src/nested/near.ts', importing('../door.js'), undefined],
  ['libs/audit/src/kit.spec.ts', importing('@app/testkit'), undefined],
  ['libs/audit/src/kit.fixture.ts', importing('@app/testkit'), undefined],
  ['apps/standalone/src/roles.ts', importing('@app/worker'), undefined],
  ['libs/jobs/src/bullmq.adapter.ts', importing('ioredis'), undefined],
  ['libs/event-log/src/eventstore.adapter.ts', importing('@eventstore/db-client'), undefined],
  ['libs/runtime/src/sql.ts', importing('pg'), undefined],
  ['libs/runtime/src/config.ts', `export const path = process.env['PATH'];\n`, undefined],
  ['libs/jobs/src/env.spec.ts', `export const path = process.env['PATH'];\n`, undefined],
];

describe('the linter', () => {
  let folder: string;
  let found: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rules-'));
    await cp(join(ROOT, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, text] of CASES) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    }
    found = await lint(folder);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(CASES)('judges %s', (file, _text, answer) => {
    const about = found.filter((line) => line.startsWith(`${file}: `));
    if (answer === undefined) expect(about).toEqual([]);
    else expect(about).toEqual([expect.stringContaining(answer)]);
  });

  it('finds nothing in this project', async () => {
    expect(await lint(ROOT)).toEqual([]);
  });
});
