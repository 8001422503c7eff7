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

const TURNS = 5;

/**
 * Runs two things in turns, a part of `count` at a time.
 * @returns the medians, and that of the ratios within each turn
 */
export async function inTurns<R>(
  count: number,
  floor: (from: number, count: number) => Promise<R>,
  work: (from: number, count: number) => Promise<R>,
  valueOf: (result: R) => number,
): Promise<{ readonly measured: number; readonly floor: number; readonly ratio: number }> {
  const floors: number[] = [];
  const ours: number[] = [];
  const ratios: number[] = [];
  const size = count / TURNS;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const base = valueOf(await floor(turn * size, size));
    const value = valueOf(await work(turn * size, size));
    floors.push(base);
    ours.push(value);
    ratios.push(value / base);
  }
  return { measured: median(ours), floor: median(floors), ratio: median(ratios) };
}

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
