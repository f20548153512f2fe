import { expect, it } from 'vitest';
import type { TokenView } from '../../engine/api.ts';
import { tokenRuns } from './tokenRuns.ts';

it('joins neighbours of one part and forgets no token', () => {
  const parts: TokenView['part'][] = ['context', 'context', 'learned', 'context', 'cut', 'cut'];
  const tokens = parts.map((part, id): TokenView => ({ id, text: 'x', part, special: false }));
  const runs = tokenRuns(tokens);
  expect(runs.map(({ part, start, tokens: { length } }) => [part, start, length])).toEqual([
    ['context', 0, 2],
    ['learned', 2, 1],
    ['context', 3, 1],
    ['cut', 4, 2],
  ]);
  expect(runs.flatMap((run) => run.tokens)).toEqual(tokens);
});
