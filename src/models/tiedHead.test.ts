import { describe, expect, it } from 'vitest';
import { memorySource } from '../formats/byteSource.ts';
import { writeSafetensors } from '../formats/safetensorsWriter.ts';
import { neededShapes, openCheckpoint, readDecoded } from './checkpoint.ts';
import { describeModel } from './registry.ts';

const config = {
  model_type: 'gpt2',
  vocab_size: 5,
  n_embd: 4,
  n_head: 1,
  n_layer: 1,
  n_positions: 3,
  tie_word_embeddings: true,
};
const shapes: Readonly<Record<string, readonly number[]>> = {
  'wpe.weight': [3, 4],
  'ln_f.weight': [4],
  'ln_f.bias': [4],
  'h.0.ln_1.weight': [4],
  'h.0.ln_1.bias': [4],
  'h.0.attn.c_attn.weight': [4, 12],
  'h.0.attn.c_attn.bias': [12],
  'h.0.attn.c_proj.weight': [4, 4],
  'h.0.attn.c_proj.bias': [4],
  'h.0.ln_2.weight': [4],
  'h.0.ln_2.bias': [4],
  'h.0.mlp.c_fc.weight': [4, 16],
  'h.0.mlp.c_fc.bias': [16],
  'h.0.mlp.c_proj.weight': [16, 4],
  'h.0.mlp.c_proj.bias': [4],
};

/** A GPT-2 with these numbers in its embedding and its head; one that is undefined is left out. */
function opened(embedding: number | undefined, head: number | undefined) {
  const filled = (name: string, shape: readonly number[], value: number) => ({
    name,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });
  const tensors = Object.entries(shapes).map(([name, shape]) => filled(`transformer.${name}`, shape, 1));
  if (embedding !== undefined) tensors.push(filled('transformer.wte.weight', [5, 4], embedding));
  if (head !== undefined) tensors.push(filled('lm_head.weight', [5, 4], head));
  const json = new TextEncoder().encode(JSON.stringify(config));
  const sources = [memorySource(json, 'config.json'), memorySource(writeSafetensors(tensors), 'model.safetensors')];
  return openCheckpoint(new Map(sources.map((source) => [source.name, source])), 'model');
}

describe('a head that config.json ties to the embedding', () => {
  it('is tied where the files leave it out or hold the same numbers', async () => {
    for (const head of [undefined, 2]) {
      const { description } = await opened(2, head);
      expect(description.tieWordEmbeddings).toBe(true);
    }
  });

  it('is read where the files hold other numbers, as Transformers reads it', async () => {
    const checkpoint = await opened(2, 3);
    expect(checkpoint.description.tieWordEmbeddings).toBe(false);
    expect(await readDecoded(checkpoint, 'lm_head.weight')).toEqual(new Float32Array(20).fill(3));
    expect(await readDecoded(checkpoint, 'transformer.wte.weight')).toEqual(new Float32Array(20).fill(2));
  });

  it('serves as the embedding where the files hold it alone', async () => {
    const checkpoint = await opened(undefined, 3);
    expect(checkpoint.description.tieWordEmbeddings).toBe(true);
    expect(await readDecoded(checkpoint, 'transformer.wte.weight')).toEqual(new Float32Array(20).fill(3));
    await expect(opened(undefined, undefined)).rejects.toThrow(/lacks the tensor transformer\.wte\.weight/);
  });
});

it.each(['t5', 'mt5'])('is tied in a %s whatever config.json says, as in Transformers', (model_type) => {
  const description = describeModel({ model_type, tie_word_embeddings: false });
  expect(description.tieWordEmbeddings).toBe(true);
  expect(neededShapes(description).has('lm_head.weight')).toBe(false);
});
