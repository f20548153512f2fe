import { describe, expect, it } from 'vitest';
import { rankGrid, totalRanks } from './rankGrid.ts';

const ranks = {
  'model.layers.0.self_attn.q_proj': 12,
  'model.layers.10.self_attn.q_proj': 3,
  'model.layers.2.self_attn.q_proj': 0,
  'model.layers.2.self_attn.v_proj': 7,
};

describe('rankGrid', () => {
  it('puts layers in the order of their numbers, and leaves a gap where a layer lacks a module', () => {
    const { layers, lines, highest } = rankGrid(ranks);
    expect(layers).toEqual(['0', '2', '10']);
    expect(lines).toEqual([
      { module: 'self_attn.q_proj', ranks: [12, 0, 3] },
      { module: 'self_attn.v_proj', ranks: [undefined, 7, undefined] },
    ]);
    expect(highest).toBe(12);
  });

  it('keeps a module outside the layers', () => {
    expect(rankGrid({ classifier: 4 }).lines).toEqual([{ module: 'classifier', ranks: [4] }]);
  });
});

describe('totalRanks', () => {
  it('adds up the ranks of each step', () => {
    const history = [
      { step: 1, ranks: { a: 12, b: 12 } },
      { step: 2, ranks: { a: 12, b: 3 } },
    ];
    expect(totalRanks(history).map(({ step, smooth }) => [step, smooth])).toEqual([
      [1, 24],
      [2, 15],
    ]);
  });
});
