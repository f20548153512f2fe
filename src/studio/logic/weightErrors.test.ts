import { describe, expect, it } from 'vitest';
import type { WeightError } from '../../engine/api.ts';
import { layerStacks, meanError, placeOf, worstError } from './weightErrors.ts';

const error = (layer: string | null, module: string, relativeError: number): WeightError => ({
  name: `${layer === null ? '' : `${layer}.`}${module}.weight`,
  layer,
  role: 'mlp',
  relativeError,
});

describe('errors by layer', () => {
  const errors = [
    error('model.layers.0', 'self_attn.q_proj', 0.1),
    error('model.layers.0', 'mlp.up_proj', 0.2),
    error('model.layers.1', 'self_attn.q_proj', 0.3),
    error(null, 'model.embed_tokens', 0.01),
  ];

  it('are means of a layer’s weights, with its worst; what lies outside of layers is left out', () => {
    const [stack] = layerStacks(errors);
    expect(layerStacks(errors)).toHaveLength(1);
    expect(stack?.name).toBe('');
    expect(stack?.layers.map(({ number }) => number)).toEqual(['0', '1']);
    expect(stack?.layers[0]?.mean).toBeCloseTo(0.15);
    expect(stack?.layers[0]?.worst.name).toMatch(/up_proj/);
  });

  it('keep an encoder and a decoder apart', () => {
    const both = [error('encoder.block.0', 'layer.0.SelfAttention.k', 0.1), error('decoder.block.0', 'layer.0.k', 0.2)];
    expect(layerStacks(both).map(({ name, layers }) => [name, layers.length])).toEqual([
      ['encoder', 1],
      ['decoder', 1],
    ]);
  });

  it('name the worst by its layer and module', () => {
    expect(placeOf(worstError(errors)!)).toBe('layer 1, q_proj');
    expect(placeOf(error('bert.encoder.layer.2', 'output.dense', 1))).toBe('layer 2, output.dense');
    expect(placeOf(errors[3]!)).toBe('embed_tokens');
    expect(worstError([])).toBeUndefined();
    expect(meanError([])).toBe(0);
  });
});
