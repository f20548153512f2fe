import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memorySource } from '../../src/formats/byteSource.ts';
import { readFloatTensors, type FloatTensor } from '../../src/formats/floatTensors.ts';
import { writeSafetensors } from '../../src/formats/safetensorsWriter.ts';
import { graft, put, refusal, scratchFolder, tinyModel } from './harness.ts';

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => (scratch = scratchFolder()));
afterEach(() => scratch.remove());

const at = (name: string) => join(scratch.path, name);
const key = (layer: number) => `base_model.model.model.layers.${layer}.self_attn.o_proj`;

function adapterFolder(name: string, config: Record<string, unknown>, shapes: Record<string, number[]>): string {
  put(join(at(name), 'adapter_config.json'), config);
  const tensors = Object.entries(shapes).map(([tensor, shape], t) => ({
    name: tensor,
    shape,
    data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) =>
      Math.sin(i * 1.7 + t + name.length),
    ),
  }));
  put(join(at(name), 'adapter_model.safetensors'), writeSafetensors(tensors));
  return at(name);
}

/** A LoRA of both o_proj, 16 × 16. */
function loraFolder(name: string, r: number): string {
  const shapes = Object.fromEntries(
    [0, 1].flatMap((layer) => [
      [`${key(layer)}.lora_A.weight`, [r, 16]],
      [`${key(layer)}.lora_B.weight`, [16, r]],
    ]),
  ) as Record<string, number[]>;
  return adapterFolder(name, { peft_type: 'LORA', r, lora_alpha: 2 * r, target_modules: ['o_proj'] }, shapes);
}

const configOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
const tensorsOf = (folder: string, file: string): Promise<Map<string, FloatTensor>> =>
  readFloatTensors(memorySource(readFileSync(join(folder, file)), file));

/** The model's weights with an adapter merged into them. */
async function merged(adapter: string): Promise<Map<string, FloatTensor>> {
  const output = `${adapter}-merged`;
  expect((await graft('merge', '--model', at('model'), '--adapter', adapter, '--output', output)).code).toBe(0);
  return tensorsOf(output, 'model.safetensors');
}

function largestDifference(a: Map<string, FloatTensor>, b: Map<string, FloatTensor>): number {
  let largest = 0;
  for (const [name, { data }] of a)
    for (const [i, x] of data.entries()) largest = Math.max(largest, Math.abs(x - (b.get(name)?.data[i] ?? NaN)));
  return largest;
}

describe('blend', () => {
  it('writes an adapter that does what the adapters do together', async () => {
    tinyModel(at('model'));
    const [one, two, output] = [loraFolder('one', 2), loraFolder('three', 3), at('blend')];
    const { code, stdout } = await graft(
      ...['blend', '--adapter', one, '--adapter', two, '--weights=-0.5,2', '--combination', 'cat', '--output', output],
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ output, combination: 'cat', r: 5, modules: 2, parameters: 2 * 5 * 32 });
    expect(configOf(output)).toMatchObject({ peft_type: 'LORA', r: 5, lora_alpha: 5, target_modules: ['o_proj'] });
    const base = await tensorsOf(at('model'), 'model.safetensors');
    const [first, second, both] = [await merged(one), await merged(two), await merged(output)];
    const expected = new Map(
      [...base].map(([name, { shape, data }]) => {
        const update = (other: typeof base, i: number) => (other.get(name)?.data[i] ?? NaN) - (data[i] ?? NaN);
        return [name, { shape, data: data.map((x, i) => x - 0.5 * update(first, i) + 2 * update(second, i)) }];
      }),
    );
    expect(largestDifference(both, expected)).toBeLessThan(1e-4);
    expect(largestDifference(both, base)).toBeGreaterThan(1);
  });

  it('takes each its own weight of 1 and cuts down by svd where nothing else is said', async () => {
    const output = at('blend');
    const { stdout } = await graft(
      ...['blend', '--adapter', loraFolder('one', 2), '--adapter', loraFolder('three', 3), '--output', output],
    );
    expect(JSON.parse(stdout)).toMatchObject({ combination: 'svd', r: 3 });
  });

  it('refuses what does not go together, and leaves nothing behind', async () => {
    const [one, two, output] = [loraFolder('one', 2), loraFolder('three', 3), at('blend')];
    const blend = (...args: string[]) =>
      refusal('blend', '--adapter', one, '--adapter', two, '--output', output, ...args);
    expect(await blend('--combination', 'linear')).toMatch(/needs adapters of one rank, and these have 2 .*, 3 /);
    expect(await blend('--combination', 'tis')).toMatch(/Did you mean ties\?/);
    expect(await blend('--combination', 'ties_svd')).toMatch(/density: ties_svd keeps a share/);
    expect(await blend('--density', '2')).toMatch(/--density 2 does not work/);
    expect(await blend('--weights', '1')).toMatch(/gives 1 numbers, and there are 2 adapters/);
    expect(await blend('--weights', '1,x')).toMatch(/--weights 1,x does not work/);
    expect(await blend('--majority-sign-method', 'most')).toMatch(/one of total, frequency/);
    expect(await refusal('blend', '--output', output)).toMatch(/--adapter is missing/);
    expect(await refusal('blend', '--adapter', at('nowhere'), '--output', output)).toMatch(/nowhere does not exist/);
    const ia3 = adapterFolder('ia3', { peft_type: 'IA3', target_modules: ['o_proj'] }, {});
    expect(await blend('--adapter', ia3)).toMatch(/ia3: only LoRA adapters can be blended, and this is IA3/);
    expect(existsSync(output)).toBe(false);
    expect(await refusal('blend', '--adapter', one, '--output', one)).toMatch(/is the folder that is read from/);
  });
});

describe('convert', () => {
  /** Scales the inputs of both down_proj, [16, 32]. */
  const ia3Folder = () =>
    adapterFolder(
      'ia3',
      { peft_type: 'IA3', target_modules: ['down_proj'], feedforward_modules: ['down_proj'] },
      Object.fromEntries(
        [0, 1].map((layer) => [`base_model.model.model.layers.${layer}.mlp.down_proj.ia3_l`, [1, 32]]),
      ),
    );

  const convert = (rank: string) =>
    graft(
      'convert',
      '--model',
      tinyModel(at('model')),
      '--adapter',
      ia3Folder(),
      '--rank',
      rank,
      '--output',
      at('lora'),
    );

  it('writes a LoRA that does the same as the adapter, where all is to be kept', async () => {
    const { code, stdout } = await convert('1.0');
    expect(code).toBe(0);
    const figures = JSON.parse(stdout) as Record<string, unknown>;
    expect(figures).toMatchObject({ output: at('lora'), modules: 2 });
    expect(figures['energy']).toBeCloseTo(1, 6);
    expect(largestDifference(await merged(at('lora')), await merged(at('ia3')))).toBeLessThan(1e-5);
  });

  it('says how much a rank keeps, and where it keeps least', async () => {
    const { code, stdout } = await convert('1');
    expect(code).toBe(0);
    const figures = JSON.parse(stdout) as {
      r: number;
      energy: number;
      least_energy: { module: string; energy: number };
    };
    expect(figures).toMatchObject({ r: 1, least_energy: { module: expect.stringContaining('mlp.down_proj') } });
    expect(figures.energy).toBeLessThan(1);
    expect(figures.least_energy.energy).toBeLessThanOrEqual(figures.energy);
    expect(configOf(at('lora'))).toMatchObject({
      r: 1,
      lora_alpha: 1,
      target_modules: ['model.layers.0.mlp.down_proj', 'model.layers.1.mlp.down_proj'],
    });
  });

  it('refuses a rank that is none, or more than a layer has', async () => {
    const args = ['convert', '--model', tinyModel(at('model')), '--adapter', ia3Folder(), '--output', at('lora')];
    for (const rank of ['0', '1.5', '0.0', 'half'])
      expect(await refusal(...args, '--rank', rank)).toMatch(/--rank .* does not work/);
    expect(await refusal(...args, '--rank', '17')).toMatch(/17 is more than .*down_proj has, which is 16 × 32/);
    expect(await refusal(...args)).toMatch(/--rank is missing/);
    expect(existsSync(at('lora'))).toBe(false);
  });
});

describe('merge', () => {
  it('says nothing of a tokenizer where the model reads images', async () => {
    const [model, adapter] = ['models/vit', 'images/vit-lora/init'].map((path) =>
      fileURLToPath(new URL(`../fixtures/parity/${path}`, import.meta.url)),
    );
    const { code, stdout, stderr } = await graft(
      ...['merge', '--model', model ?? '', '--adapter', adapter ?? '', '--output', at('merged')],
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ merged: 8, tokenizer: false });
    expect(existsSync(join(at('merged'), 'preprocessor_config.json'))).toBe(true);
  });
});
