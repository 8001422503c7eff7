// The rules of the code that a machine can keep: the rooms, their doors and levels, the drivers, the environment.
import { defineConfig } from 'oxlint';

/** Lowest first. A room imports rooms of lower levels, never one of its own. */
const LEVELS = [
  ['events', 'scim', 'jobs', 'runtime'],
  ['event-log', 'vault'],
  ['http'],
  ['directory', 'revocation', 'audit'],
  ['scim-api', 'platform-api', 'worker', 'console'],
  ['standalone'],
];
const APPS = new Set(LEVELS.slice(-2).flat());

/** Each driver and the only files that may know it. */
const DRIVERS = {
  '@eventstore/db-client': ['libs/event-log/src/eventstore*.ts'],
  bullmq: ['libs/jobs/src/bullmq.adapter.ts', 'libs/revocation/src/connectors/bullmq-queue.adapter.ts'],
  ioredis: ['libs/jobs/src/bullmq.adapter.ts', 'libs/revocation/src/connectors/bullmq-queue.adapter.ts'],
  'node:sqlite': ['libs/runtime/src/sqlite.ts', 'libs/event-log/src/sqlite*.ts', 'libs/event-log/src/lock-file.ts'],
  pg: ['libs/runtime/src/sql.ts'],
};

const TESTS = ['*.spec.ts', '*.e2e-spec.ts', '*.real-spec.ts', '*.contract.ts', '*.fixture.ts'];

const folderOf = (room: string) => `${APPS.has(room) ? 'apps' : 'libs'}/${room}/src`;

interface Allowed {
  readonly room: string;
  readonly testkit?: boolean;
  readonly drivers?: readonly string[];
}

function restrictedImports({ room, testkit = false, drivers = [] }: Allowed) {
  const level = LEVELS.findIndex((rooms) => rooms.includes(room));
  const closed = [...LEVELS.slice(level).flat(), ...(testkit ? [] : ['testkit'])];
  const doors = { regex: '^@app/[^/]+/', message: 'A room is entered by its door: @app/<room>.' };
  const walls = {
    regex: String.raw`^\.\.?/(.*/)?src/`,
    message: 'Leave a room by the door of the other: @app/<room>.',
  };
  const levels = {
    regex: `^@app/(${closed.join('|')})$`,
    message: `${room} imports rooms of lower levels only (oxlint.config.ts); testkit is for tests.`,
  };
  const paths = Object.entries(DRIVERS)
    .filter(([name]) => !drivers.includes(name))
    .map(([name, files]) => ({ name, message: `Only ${files.join(', ')} may know this driver.` }));
  return { 'no-restricted-imports': ['error', { paths, patterns: [doors, walls, levels] }] } as const;
}

const rooms = LEVELS.flat();
const everyDriver = Object.keys(DRIVERS);

const inRooms = rooms.map((room) => ({ files: [`${folderOf(room)}/**`], rules: restrictedImports({ room }) }));

const driverFiles = [...new Set(Object.values(DRIVERS).flat())].map((file) => {
  const drivers = everyDriver.filter((name) => DRIVERS[name as keyof typeof DRIVERS].includes(file));
  const room = rooms.find((name) => file.startsWith(`${folderOf(name)}/`)) as string;
  return { files: [file], rules: restrictedImports({ room, drivers }) };
});

const inTests = rooms.map((room) => ({
  files: TESTS.map((name) => `${folderOf(room)}/**/${name}`),
  rules: restrictedImports({ room, testkit: true, drivers: everyDriver }),
}));

export default defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'node', 'promise', 'jest'],
  categories: { correctness: 'error' },
  ignorePatterns: ['dist/**', '.data/**'],
  rules: {
    // Spreads group the arguments of a command by line.
    'unicorn/no-useless-spread': 'off',
    // Tables of cases and given-when-then helpers assert in functions and by case.
    'jest/no-conditional-expect': 'off',
    'jest/no-standalone-expect': 'off',
    'jest/valid-describe-callback': 'off',
    'jest/valid-expect': 'off',
    // Waiting for a condition is an assertion that it does not recognise.
    'jest/expect-expect': 'off',
    'promise/no-callback-in-promise': 'off',
  },
  overrides: [
    ...inRooms,
    ...driverFiles,
    ...inTests,
    { files: ['libs/**', 'apps/**'], rules: { 'node/no-process-env': 'error' } },
    { files: TESTS.map((name) => `**/${name}`), rules: { 'no-unsafe-optional-chaining': 'off' } },
    {
      files: ['libs/runtime/src/config.ts', 'libs/testkit/**', ...TESTS.map((name) => `**/${name}`)],
      rules: { 'node/no-process-env': 'off' },
    },
  ],
});
