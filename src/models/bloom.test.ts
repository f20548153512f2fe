import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPath } from '../formats/nodeFiles.ts';
import { alibiSlopes, alibiTable } from './alibi.ts';
import { bloom } from './bloom.ts';
import { readBloomConfig } from './bloomConfig.ts';
import { openCheckpoint } from './checkpoint.ts';
import { describeModel } from './registry.ts';

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));
const small = { model_type: 'bloom', hidden_size: 12, n_layer: 2, n_head: 3, vocab_size: 50 };

describe('ALiBi', () => {
  it.each([
    [3, [0.0625, 0.00390625, 0.25]],
    [6, [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]],
    [8, [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]],
  ])('slopes as Transformers does for %i heads', (heads, slopes) => {
    expect(alibiSlopes(heads)).toEqual(slopes);
  });

  it('slopes as Transformers does where they are no powers of two', () => {
    const extra = [0.7071067690849304, 0.3535533845424652, 0.1767766773700714, 0.0883883386850357];
    alibiSlopes(12)
      .slice(8)
      .forEach((slope, i) => expect(slope).toBeCloseTo(extra[i] ?? 0, 7));
  });

  it('reaches over every distance between the positions', () => {
    const { shape, data } = alibiTable(3, 4);
    expect(shape).toEqual([3, 7]);
    expect([...data.subarray(14)]).toEqual([-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75]);
    expect(describeModel(small).constants(4).get('alibi')).toEqual({ shape, data });
  });
});

describe('config.json of a BLOOM', () => {
  it('is filled with the defaults of BloomConfig', () => {
    expect(readBloomConfig({ model_type: 'bloom' })).toMatchObject({
      vocabSize: 250880,
      hiddenSize: 64,
      numHiddenLayers: 2,
      headDim: 8,
      maxPositionEmbeddings: 2048,
      normsResidual: false,
      tieWordEmbeddings: true,
    });
    expect(readBloomConfig({ ...small, slow_but_exact: true, pretraining_tp: 1 }).hiddenSize).toBe(12);
    expect(readBloomConfig({ ...small, n_embed: 30, num_attention_heads: 5, n_head: undefined }).headDim).toBe(6);
  });

  it.each([
    [{ n_head: 5 }, /12 cannot be shared among 5/],
    [{ apply_residual_connection_post_layernorm: 'no' }, /apply_residual_connection_post_layernorm/],
    [{ slow_but_exact: true, pretraining_tp: 2 }, /slow_but_exact true is not supported.*biases/],
    [{ vocab_size: -1 }, /vocab_size must be a whole number above 0, not -1/],
  ])('is refused by the name of the field: %o', (changed, message) => {
    expect(() => describeModel({ ...small, ...changed })).toThrow(message);
  });
});

describe('the tensors of a BLOOM', () => {
  it('of a GGUF file are put back head by head', async () => {
    const description = describeModel({ ...small, hidden_size: 6 });
    const order = bloom.gguf?.tensor('blk.1.attn_qkv.bias', description)?.rowOrder;
    // rows of the model: head 0's q, k, v of two each, then head 1's …; of the file: q of all heads, k, v
    expect(Array.from({ length: 18 }, (_, row) => order?.(row))).toEqual([
      0, 1, 6, 7, 12, 13, 2, 3, 8, 9, 14, 15, 4, 5, 10, 11, 16, 17,
    ]);
    expect(bloom.gguf?.tensor('token_embd_norm.bias', description)).toMatchObject({
      name: 'transformer.word_embeddings_layernorm.bias',
    });
    expect(bloom.gguf?.tensor('blk.0.ffn_up.weight', description)).toMatchObject({
      name: 'transformer.h.0.mlp.dense_h_to_4h.weight',
    });
    expect(bloom.gguf?.tensor('blk.0.token_embd.weight', description)).toBeUndefined();
    const opened = await openCheckpoint(await openPath(`${models}bloom-gguf.gguf`), 'model');
    expect(opened.description).toMatchObject({ tieWordEmbeddings: true, maxPositionEmbeddings: 128, headDim: 16 });
  });

  it('are found with and without the name of the body in front', async () => {
    for (const folder of ['bloom', 'bloom-bare']) {
      const { tensors } = await openCheckpoint(await openPath(`${models}${folder}`), 'model');
      expect([...tensors.keys()]).toContain('transformer.h.1.self_attention.query_key_value.weight');
    }
  });
});
