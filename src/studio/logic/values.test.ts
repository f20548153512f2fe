import { expect, it } from 'vitest';
import { choiceText, valueText } from './values.ts';

it('writes every kind of setting in words', () => {
  expect([null, 2e-4, true, [], ['q_proj', 'v_proj'], 'linear', { q_proj: 4 }].map(valueText)).toEqual([
    'automatic',
    '2e-4',
    'on',
    'none',
    'q_proj, v_proj',
    'linear',
    '{"q_proj":4}',
  ]);
});

it('writes a choice as a label', () => {
  expect(choiceText('cosine_with_restarts')).toBe('Cosine with restarts');
});
