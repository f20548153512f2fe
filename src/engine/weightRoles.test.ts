import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../models/checkpoint.ts';
import { openPath } from './nodeFiles.ts';
import { layerOf, weightRoles } from './weightRoles.ts';

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));
const rolesOf = async (name: string) =>
  weightRoles((await openCheckpoint(await openPath(models + name), name)).description);

describe('roles of weights', () => {
  it('knows attention and MLP by their paths in every family', async () => {
    for (const [model, attention, mlp] of [
      ['llama', 'model.layers.0.self_attn.q_proj.weight', 'model.layers.0.mlp.down_proj.weight'],
      ['gpt2', 'transformer.h.0.attn.c_proj.bias', 'transformer.h.0.mlp.c_proj.weight'],
      ['bloom', 'transformer.h.0.self_attention.dense.weight', 'transformer.h.0.mlp.dense_4h_to_h.weight'],
      ['bert', 'bert.encoder.layer.0.attention.output.dense.weight', 'bert.encoder.layer.0.output.dense.weight'],
      [
        'distilbert',
        'distilbert.transformer.layer.0.attention.q_lin.weight',
        'distilbert.transformer.layer.0.ffn.lin1.bias',
      ],
      ['t5', 'decoder.block.0.layer.1.EncDecAttention.k.weight', 'encoder.block.0.layer.1.DenseReluDense.wi.weight'],
    ] as const) {
      const roles = await rolesOf(model);
      expect([roles.get(attention), roles.get(mlp)], model).toEqual(['attention', 'mlp']);
    }
  });

  it('tells what lies outside of layers: embeddings, norms, the head, and its new modules', async () => {
    const bert = await rolesOf('bert');
    expect(bert.get('bert.embeddings.position_embeddings.weight')).toBe('embedding');
    expect(bert.get('bert.embeddings.LayerNorm.bias')).toBe('norm');
    expect(bert.get('bert.pooler.dense.weight')).toBe('other');
    expect((await rolesOf('distilbert')).get('pre_classifier.weight')).toBe('head');
    const vit = await rolesOf('vit');
    expect(vit.get('vit.embeddings.patch_embeddings.projection.weight')).toBe('embedding');
    expect(vit.get('vit.embeddings.cls_token')).toBe('embedding');
    expect((await rolesOf('gemma3')).get('model.layers.0.self_attn.q_norm.weight')).toBe('norm');
  });

  it('names the layer by the path to its number', () => {
    expect(layerOf('model.layers.12.self_attn.q_proj')).toBe('model.layers.12');
    expect(layerOf('encoder.block.1.layer.0.SelfAttention.k.weight')).toBe('encoder.block.1');
    expect(layerOf('lm_head.weight')).toBeNull();
  });
});
