import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama, tinyT5 } from '../../tests/peft/gradients.ts';
import { describeModel } from '../models/registry.ts';
import { drawLayers } from './lisa.ts';

describe('a model that is trained whole', () => {
  it.each([
    ['a decoder', { ...tinyLlama, tie_word_embeddings: true }],
    ['an encoder and a decoder with their tables of relative positions', { ...tinyT5, num_layers: 2 }],
    ['gated, the last states not scaled', { ...tinyT5, feed_forward_proj: 'gated-gelu', scale_decoder_outputs: false }],
  ])('has the gradient that differences give: %s', async (_, config) => {
    await checkMethodGradients({ peft_type: 'FULL' }, config);
  });
});

describe('LISA', () => {
  it('draws among the layers of an encoder and a decoder alike, and trains what lies outside throughout', () => {
    const t5 = describeModel({ ...tinyT5, num_layers: 2, num_decoder_layers: 3 });
    const { parameters } = attachTo(t5, { peft_type: 'LISA', lisa_activated_layers: 2, lisa_step_interval: 1 });
    const seed = 5;
    const draws = [0, 1, 2, 3].map((draw) => drawLayers(seed, draw, 2, 5));
    expect(new Set(draws.flat()).size).toBe(5);
    const layers = ['encoder.block.0.', 'encoder.block.1.', 'decoder.block.0.', 'decoder.block.1.', 'decoder.block.2.'];
    for (const { name, rateFactor } of parameters) {
      const layer = layers.findIndex((path) => name.startsWith(path));
      const rates = [1, 2, 3, 4].map((step) => rateFactor?.(step, 1e-3, seed) ?? 1);
      expect(rates, name).toEqual(draws.map((drawn) => (layer < 0 || drawn.includes(layer) ? 1 : 0)));
    }
  });
});
