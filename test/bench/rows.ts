// A line of the table that the benchmark prints: what was measured, beside its floor in the same run.
import { availableParallelism, cpus } from 'node:os';

export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly floor: string;
  readonly ratio: number;
  readonly goal: string;
}

export const perSecond = (value: number): string => `${Math.round(value)}/s`;

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

export function print(rows: readonly Row[]): void {
  const cells = [
    ['what', 'measured', 'floor in this run', 'ratio', 'goal'],
    ...rows.map(({ what, measured, floor, ratio, goal }) => [what, measured, floor, ratio.toFixed(2), goal]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length))) ?? [];
  process.stdout.write(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}\n\n`,
  );
  for (const row of cells) process.stdout.write(`${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`);
}
