import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, readDecoded } from '../models/checkpoint.ts';
import { quantiseCheckpoint } from '../models/quantiseCheckpoint.ts';
import { weightBytes } from '../models/weightStore.ts';
import { openPath } from './nodeFiles.ts';
import { quantiseCommand } from './nodeQuantise.ts';
import { quantisationErrors } from './quantisationErrors.ts';

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));
const open = async (name: string) => openCheckpoint(await openPath(models + name), name);
const nf4 = { kind: 'nf4', doubleQuant: true } as const;
const int8 = { kind: 'int8', doubleQuant: false } as const;

const formatsOf = (catalog: ReadonlyMap<string, { format: string }>, pattern: RegExp) =>
  new Set([...catalog].filter(([name]) => pattern.test(name)).map(([, { format }]) => format));

describe('a model that is quantised while it is loaded', () => {
  it('has its linears in blocks, and the embedding, the head and the norms as they are stored', async () => {
    const { catalog } = quantiseCheckpoint(await open('llama-nf4'), nf4);
    expect(formatsOf(catalog, /_proj\.weight/)).toEqual(new Set(['nf4_nested']));
    expect(formatsOf(catalog, /embed_tokens|lm_head|norm/)).toEqual(new Set(['bf16']));
  });

  it('has the embedding and the head in 8 bits where that is asked for', async () => {
    const { catalog } = quantiseCheckpoint(await open('llama-nf4'), { ...nf4, embeddings: true });
    expect(formatsOf(catalog, /embed_tokens|lm_head/)).toEqual(new Set(['int8']));
  });

  it('keeps what Transformers keeps in floats: wo of T5, and every table but the embedding', async () => {
    const { catalog } = quantiseCheckpoint(await open('flan-t5'), { ...int8, embeddings: true });
    expect(formatsOf(catalog, /(wi_0|wi_1|Attention\.[qkvo]|shared|lm_head)\.weight$/)).toEqual(new Set(['int8']));
    expect(formatsOf(catalog, /(wo|relative_attention_bias|norm)\.weight$/)).toEqual(new Set(['f32']));
  });

  it('has blocks that run across rows where these are no multiple of 32', async () => {
    const { catalog } = quantiseCheckpoint(await open('qwen2-int8'), nf4);
    expect(formatsOf(catalog, /q_proj\.weight/)).toEqual(new Set(['nf4_nested_unaligned']));
  });

  it('takes a quarter of the bytes for its linears', async () => {
    const stored = await open('llama-nf4');
    const linears = stored.description.modules.filter(({ path }) => path.endsWith('_proj'));
    const weights = linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
    const saved = weightBytes(stored, 16) - weightBytes(quantiseCheckpoint(stored, nf4), 16);
    // 16 bits less 4.127 and, for tensors as small as these, the table of 256 numbers that each has
    expect(saved).toBeCloseTo((weights * (16 - 4.125)) / 8 - linears.length * 4 * (256 + 2 + 2), -3);
  });

  it('decodes to near its floats, the nearer the more bits', async () => {
    const stored = await open('llama-nf4');
    const errors = async (quantisation: typeof nf4 | typeof int8) => {
      const found = [];
      for await (const { relativeError } of quantisationErrors(stored, quantisation)) found.push(relativeError);
      return found;
    };
    const [four, eight] = [await errors(nf4), await errors(int8)];
    expect(four).toHaveLength(14);
    for (const error of four) expect(error).toBeGreaterThan(0.05);
    for (const error of four) expect(error).toBeLessThan(0.13);
    for (const error of eight) expect(error).toBeLessThan(0.013);
    const name = 'model.layers.0.mlp.up_proj.weight';
    const [exact, quantised] = [
      await readDecoded(stored, name),
      await readDecoded(quantiseCheckpoint(stored, nf4), name),
    ];
    expect(Math.max(...quantised.map((value, i) => Math.abs(value - exact[i]!)))).toBeGreaterThan(0);
  });

  it('is refused where it is quantised already, or its embedding has rows that kernels cannot look up', async () => {
    const gguf = await open('llama-gguf.gguf');
    expect(() => quantiseCheckpoint(gguf, nf4)).toThrow(/q_proj\.weight is quantised already \(Q4_0\)/);
    const odd = await open('qwen2-int8');
    expect(() => quantiseCheckpoint(odd, { ...int8, embeddings: true })).toThrow(/multiple of 8/);
  });
});

describe('graft quantize', () => {
  it('writes a folder that opens as the model that is quantised while it is loaded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'graft-quantise-'));
    try {
      for (const [name, quantisation] of [
        ['llama-nf4', nf4],
        ['llama-nf4', { kind: 'fp4', doubleQuant: false }],
        ['qwen2-int8', int8],
        ['qwen2-int8', nf4],
      ] as const) {
        const output = join(folder, `${name}-${quantisation.kind}`);
        const told = await quantiseCommand({ model: models + name, quantisation }, output, () => undefined);
        expect(told).toMatchObject({ weights: 14 });
        const written = await openCheckpoint(await openPath(output), name);
        const loaded = quantiseCheckpoint(await open(name), quantisation);
        expect(written.catalog).toEqual(new Map([...loaded.catalog].filter(([key]) => written.catalog.has(key))));
        for (const key of loaded.catalog.keys())
          expect(await readDecoded(written, key), key).toEqual(await readDecoded(loaded, key));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
