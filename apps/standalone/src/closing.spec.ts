import { expect, it } from '@jest/globals';
import { asOne, closeAll } from './closing.js';

it('closes the others when one cannot be closed, in order, and says what failed', async () => {
  const closed: string[] = [];
  const closer = (name: string) => async () => void closed.push(name);
  const failing = (name: string) => () => {
    throw new Error(`${name} is stuck`);
  };
  const errors = await closeAll([closer('a'), failing('b'), closer('c'), () => Promise.reject(new Error('d is too'))]);
  expect(closed).toEqual(['a', 'c']);
  expect(errors).toEqual([new Error('b is stuck'), new Error('d is too')]);
});

it('tells several failures as one, the first cause first, and a single one as it is', () => {
  const [cause, more] = [new Error('no disk'), new Error('b is stuck')];
  expect(asOne([cause])).toBe(cause);
  expect(asOne([cause, more])).toMatchObject({ errors: [cause, more], message: 'no disk\nb is stuck' });
});
