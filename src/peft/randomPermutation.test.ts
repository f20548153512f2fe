import { expect, it } from 'vitest';
import { randomPermutation } from './randomPermutation.ts';

it("draws torch.randperm's numbers", () => {
  expect(randomPermutation(1764, 777, 6)).toEqual([1643, 617, 153, 1043, 1499, 450]);
  expect(randomPermutation(331776, 777, 5)).toEqual([96359, 187360, 48337, 166427, 31463]);
  const whole = randomPermutation(50, 3, 50);
  expect(whole.slice(0, 6)).toEqual([36, 4, 27, 3, 32, 35]);
  expect(whole.slice(-3)).toEqual([29, 16, 28, 38, 39].slice(-3));
  expect([...whole].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});
