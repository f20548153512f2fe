import { describe, expect, it } from 'vitest';
import { argmax, sampleToken } from './sampling.ts';

const logits = Float32Array.from([0, Math.log(4), Math.log(2), Math.log(3)]);

describe('sampleToken', () => {
  it('takes the most likely token at temperature 0, the first of equals', () => {
    expect(sampleToken(logits, { temperature: 0, topP: 0.1 }, () => 0.99)).toBe(1);
    expect(argmax(Float32Array.of(-1, 5, 5))).toBe(1);
    expect(argmax(Float32Array.of(-Infinity, -Infinity))).toBe(0);
  });

  it('draws each token with its share of the probability', () => {
    // shares of 4, 3, 2, 1 in ten, in falling order
    const drawn = Array.from({ length: 10 }, (_, i) =>
      sampleToken(logits, { temperature: 1, topP: 1 }, () => (i + 0.5) / 10),
    );
    expect(drawn).toEqual([1, 1, 1, 1, 3, 3, 3, 2, 2, 0]);
  });

  it('keeps the fewest tokens that reach top-p, at least one', () => {
    const at = (topP: number, random: number) => sampleToken(logits, { temperature: 1, topP }, () => random);
    expect([at(0.7, 0.999), at(0.71, 0.999), at(0, 0.999)]).toEqual([3, 2, 1]);
  });

  it('sharpens and flattens with the temperature', () => {
    const at = (temperature: number) => sampleToken(logits, { temperature, topP: 1 }, () => 0.5);
    expect(at(0.2)).toBe(1);
    expect(at(1)).toBe(3);
    expect(at(1e6)).toBe(3);
  });
});
