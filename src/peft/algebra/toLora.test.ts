import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../formats/errors.ts';
import { elementCount } from '../../formats/tensorEntry.ts';
import { neededShapes } from '../../models/checkpoint.ts';
import { describeModel } from '../../models/registry.ts';
import type { ParameterValues } from '../method.ts';
import { randomNormals } from '../randomNumbers.ts';
import { methodOf } from '../registry.ts';
import { readFields } from '../schema.ts';
import { updatesOf, type AdapterOnModel } from './adapterUpdates.ts';
import { matrixOf, product } from './matrix.ts';
import { updatesToLora, type Conversion, type UpdatedModule } from './toLora.ts';

interface Fixture {
  readonly updates: Record<string, { shape: [number, number]; data: number[] }>;
  readonly conversions: {
    readonly rank: number;
    readonly isShare: boolean;
    readonly modules: Record<string, { rank: number; product: number[]; energy: number }>;
  }[];
}
const fixture = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/algebra/conversions.json', import.meta.url), 'utf8'),
) as Fixture;

const loha: UpdatedModule[] = Object.entries(fixture.updates).map(([path, { shape, data }]) => ({
  path,
  outFeatures: shape[0],
  inFeatures: shape[1],
  readUpdate: () => Promise.resolve(Float32Array.from(data)),
}));

/** B A of a module and its rank */
function factorsOf({ content: { tensors } }: Conversion, path: string): { rank: number; update: Float64Array } {
  const [a, b] = ['A', 'B'].map((letter) => {
    const tensor = tensors.get(`base_model.model.${path}.lora_${letter}.weight`);
    if (!tensor) throw new Error(`${path} has no ${letter}`);
    return matrixOf(tensor.shape[0] ?? 0, tensor.shape[1] ?? 0, tensor.data);
  }) as [ReturnType<typeof matrixOf>, ReturnType<typeof matrixOf>];
  return { rank: a.rows, update: product(b, a).data };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN))).toBeLessThan(tolerance);
}

describe('updates become the LoRA that PEFT makes of them', () => {
  it.each(fixture.conversions)('rank $rank', async ({ rank, isShare, modules }) => {
    const found = await updatesToLora(loha, isShare ? { share: rank } : { rank }, { base_model_name_or_path: 'base' });
    for (const [path, expected] of Object.entries(modules)) {
      const { rank: foundRank, update } = factorsOf(found, path);
      expect(foundRank).toBe(expected.rank);
      expectClose(update, expected.product, 5e-6);
      expect(found.energy.modules.get(path)).toBeCloseTo(expected.energy, 5);
    }
    const ranks = Object.values(modules).map((module) => module.rank);
    const [lowest, highest] = [Math.min(...ranks), Math.max(...ranks)];
    const { config } = found.content;
    expect(config).toMatchObject({
      peft_type: 'LORA',
      r: highest,
      lora_alpha: highest,
      base_model_name_or_path: 'base',
    });
    expect(config['target_modules']).toEqual(Object.keys(modules));
    expect(Object.values(config['rank_pattern'] as object)).toEqual(lowest === highest ? [] : [lowest]);
    expect(config['alpha_pattern']).toEqual(config['rank_pattern']);
    const energies = Object.values(modules).map(({ energy }) => energy);
    expect(found.energy.overall).toBeGreaterThanOrEqual(Math.min(...energies) - 1e-6);
    expect(found.energy.overall).toBeLessThanOrEqual(Math.max(...energies) + 1e-6);
  });

  it('takes an update of nothing, and refuses a rank that a module has not', async () => {
    const nothing = {
      path: 'q',
      outFeatures: 3,
      inFeatures: 2,
      readUpdate: () => Promise.resolve(new Float32Array(6)),
    };
    const found = await updatesToLora([nothing], { share: 0.9 }, {});
    expect(factorsOf(found, 'q')).toEqual({ rank: 1, update: new Float64Array(6) });
    expect(found.energy.overall).toBe(1);
    await expect(updatesToLora(loha, { rank: 6 }, {})).rejects.toThrow(UserError);
    await expect(updatesToLora(loha, { rank: 6 }, {})).rejects.toThrow(/6 is more than v_proj has, which is 5 × 6/);
  });
});

const description = describeModel({
  model_type: 'qwen2',
  vocab_size: 20,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: false,
});
const shapes = neededShapes(description);
const base = (name: string) => randomNormals(elementCount(shapes.get(name) ?? []), 1, name).map((x) => x * 0.1);

/** An adapter with random numbers on a Qwen2 of one layer, whose q, k and v have biases. */
function attached(peftType: string, fields: Record<string, unknown>, spread = 1): AdapterOnModel {
  const method = methodOf(peftType);
  const facts = { description, baseModelName: null, taskType: 'CAUSAL_LM' };
  const adapter = method.attach(readFields(method.fields, fields), facts);
  const values: ParameterValues = new Map(
    adapter.parameters.map(({ name, shape }) => [
      name,
      randomNormals(elementCount(shape), 2, name).map((x) => x * spread),
    ]),
  );
  return { method, adapter, values, description, readBase: (name) => Promise.resolve(base(name)) };
}

const layer = 'model.layers.0';

describe('what an adapter does to its model', () => {
  it('is the update alone where the method adds, with none of the rounding of W beside it', async () => {
    const { modules } = await updatesOf(attached('LORA', { r: 2, target_modules: ['o_proj', 'up_proj'] }, 1e-3));
    expect(modules.map(({ path }) => path)).toEqual([`${layer}.self_attn.o_proj`, `${layer}.mlp.up_proj`]);
    const { content, energy } = await updatesToLora(modules, { share: 1 }, {});
    expect(content.config).toMatchObject({ r: 2, rank_pattern: {} });
    expect(energy.overall).toBeGreaterThan(1 - 1e-6);
  });

  it('is W′ − W where the method scales', async () => {
    const ia3 = attached('IA3', { target_modules: ['down_proj'], feedforward_modules: ['down_proj'] });
    const { modules } = await updatesOf(ia3);
    const factors = ia3.values.get(`base_model.model.${layer}.mlp.down_proj.ia3_l`) ?? [];
    const expected = base(`${layer}.mlp.down_proj.weight`).map((w, i) => w * ((factors[i % 24] ?? 1) - 1));
    expectClose((await modules[0]?.readUpdate()) ?? [], expected, 1e-6);
  });

  it('is W′ − W where the method adds and scales', async () => {
    const dora = attached('LORA', { r: 2, use_dora: true, target_modules: ['o_proj'] });
    const { modules } = await updatesOf(dora);
    const name = `${layer}.self_attn.o_proj.weight`;
    const data = base(name);
    const target = { name, modulePath: `${layer}.self_attn.o_proj`, shape: [16, 16], format: 'f32', data } as const;
    const merged = dora.method.merge?.(dora.adapter, dora.values, target) ?? new Float32Array(0);
    expectClose(
      (await modules[0]?.readUpdate()) ?? [],
      merged.map((x, i) => x - (data[i] ?? 0)),
      1e-6,
    );
  });

  it('brings along what was trained whole', async () => {
    const { modules, trainedWhole } = await updatesOf(
      attached('LORA', { target_modules: ['o_proj'], modules_to_save: ['lm_head'] }),
    );
    expect(modules).toHaveLength(1);
    expect([...trainedWhole.keys()]).toEqual(['base_model.model.lm_head.weight']);
    expect(trainedWhole.get('base_model.model.lm_head.weight')?.shape).toEqual([20, 16]);
  });

  it.each<[string, string, Record<string, unknown>, RegExp]>([
    [
      'a changed bias',
      'IA3',
      { target_modules: ['k_proj'] },
      /changes the bias of model\.layers\.0\.self_attn\.k_proj/,
    ],
    ['a bias of its own', 'LORA', { target_modules: ['o_proj'], lora_bias: true }, /changes the bias of .*o_proj/],
    ['trained biases', 'LORA', { target_modules: ['q_proj'], bias: 'all' }, /trains .*bias itself/],
    [
      'an embedding',
      'LORA',
      { target_modules: ['embed_tokens'] },
      /embed_tokens \(embedding\), and only linear layers/,
    ],
  ])('is refused where a LoRA cannot say it: %s', async (_, peftType, fields, message) => {
    await expect(updatesOf(attached(peftType, fields))).rejects.toThrow(UserError);
    await expect(updatesOf(attached(peftType, fields))).rejects.toThrow(message);
  });

  it('is refused where the method is no change of the weights', async () => {
    const { merge: _, ...method } = methodOf('LORA');
    const without = { ...attached('LORA', {}), method: { ...method, whyNoMerge: 'It adds tokens.' } };
    await expect(updatesOf(without)).rejects.toThrow('A LORA adapter cannot be converted: It adds tokens.');
  });
});
