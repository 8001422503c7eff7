// What the tables cover: every phase of every client, everything that is known of a client, and how many cases that are.
import { describe, expect, it } from '@jest/globals';
import { conversations, engineCases, knownOfClients, PHASES, shapes } from './tables.js';

const namesOf = (cases: readonly { readonly name: string }[]) => cases.map(({ name }) => name);
const tables = new Map<string, readonly string[]>([
  ...[...conversations].map(([file, { steps }]) => [file, namesOf(steps)] as const),
  ...[...shapes].map(([file, table]) => [file, namesOf(table)] as const),
  ...[...engineCases].map(([file, table]) => [file, namesOf(table)] as const),
]);

describe('the tables', () => {
  it.each([...tables])('%s names each case once', (_, names) => {
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it.each([...conversations])('%s does everything that the client does', (_, { never, steps }) => {
    const done = new Set(steps.map(({ does }) => does));
    expect(PHASES.filter((phase) => !done.has(phase))).toEqual(never);
  });

  const known = Object.entries(knownOfClients).flatMap(([client, habits]) =>
    Object.entries(habits).map(([habit, cases]) => [`${client}: ${habit}`, cases] as const),
  );
  it.each(known)('%s', (_, cases) => {
    const missing = cases.filter((one) => {
      const [file = '', ...name] = one.split(': ');
      return !tables.get(file)?.includes(name.join(': '));
    });
    expect(missing).toEqual([]);
    expect(cases.length).toBeGreaterThan(0);
  });

  it('are counted', () => {
    const rows = [...conversations].map(([file, { steps }]) => {
      const counts = PHASES.map((phase) => steps.filter(({ does }) => does === phase).length);
      return [file, ...counts, steps.length];
    });
    const sums = [...PHASES, 'all'].map((__, i) => rows.reduce((sum, row) => sum + Number(row[i + 1]), 0));
    const others = [...shapes, ...engineCases].map(([file, table]) => [file, table.length] as const);
    const total = [...tables.values()].reduce((sum, names) => sum + names.length, 0);
    process.stderr.write(
      [
        ...[['over HTTP, per client', ...PHASES, 'all'], ...rows, ['all clients', ...sums]].map(line),
        ...others.map(line),
        line(['all tables', total]),
        '',
      ].join('\n'),
    );
    expect(sums.at(-1)! + others.reduce((sum, [, count]) => sum + count, 0)).toBe(total);
  });
});

const line = ([name, ...numbers]: readonly (string | number)[]): string =>
  String(name).padEnd(22) + numbers.map((one) => String(one).padStart(12)).join('');
