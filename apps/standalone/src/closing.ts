// Closes many things, so that one that cannot be closed leaves none of the others open.

export type Closer = () => Promise<void> | void;

/** Runs all of them, one after the other. @returns what failed, in that order */
export async function closeAll(closers: readonly Closer[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const closer of closers) {
    try {
      await closer();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/** @param errors at least one, the first cause first. @returns that one, or an AggregateError that says all of them */
export function asOne(errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  return new AggregateError(errors, errors.map((error) => (error instanceof Error ? error.message : error)).join('\n'));
}
