import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import type { AdapterContent } from '../method.ts';
import { matrixOf, product } from './matrix.ts';
import { blendAdapters, type BlendOptions } from './weightedAdapters.ts';

interface StoredTensor {
  readonly shape: number[];
  readonly data: number[];
}
interface Fixture {
  readonly adapters: Record<string, { config: Record<string, unknown>; tensors: Record<string, StoredTensor> }>;
  readonly blends: {
    readonly adapters: string[];
    readonly weights: number[];
    readonly options: {
      combination_type: string;
      density?: number;
      svd_rank?: number;
      majority_sign_method?: 'frequency';
    };
    readonly r: number;
    /** of the blend that PEFT made; the products B A of its modules where an SVD made the factors */
    readonly tensors?: Record<string, StoredTensor>;
    readonly products?: Record<string, number[]>;
  }[];
}
const fixture = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/algebra/blends.json', import.meta.url), 'utf8'),
) as Fixture;

const prefix = 'base_model.model.';

/** One of the fixture's adapters, as its folder would be read. */
function content(name: string, config: Record<string, unknown> = {}): AdapterContent {
  const stored = fixture.adapters[name];
  if (!stored) throw new Error(`no adapter ${name}`);
  const tensors = Object.entries(stored.tensors).map(
    ([key, { shape, data }]) => [key, { shape, data: Float32Array.from(data) }] as const,
  );
  return { config: { ...stored.config, ...config }, tensors: new Map(tensors) };
}

function blend(names: readonly string[], weights: readonly number[], options: BlendOptions): Promise<AdapterContent> {
  return blendAdapters(
    names.map((name, i) => ({ name, weight: weights[i] ?? NaN, content: content(name) })),
    options,
  );
}

/** B A of a module */
function update({ tensors }: AdapterContent, path: string): Float64Array {
  const factor = (letter: string): FloatTensor => {
    const found =
      tensors.get(`${prefix}${path}.lora_${letter}.weight`) ?? tensors.get(`${prefix}${path}.lora_embedding_${letter}`);
    if (!found) throw new Error(`${path} has no ${letter}`);
    return found;
  };
  const [a, b] = [factor('A'), factor('B')].map(({ shape, data }) => matrixOf(shape[0] ?? 0, shape[1] ?? 0, data));
  return product(b as NonNullable<typeof b>, a as NonNullable<typeof a>).data;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN))).toBeLessThan(tolerance);
}

describe('a blend has the numbers of PEFT', () => {
  it.each(fixture.blends.map((one) => [`${one.adapters.join(' + ')}: ${JSON.stringify(one.options)}`, one] as const))(
    '%s',
    async (_, { adapters, weights, options, r, tensors, products }) => {
      const { combination_type: combination, density, svd_rank: svdRank, majority_sign_method: sign } = options;
      const found = await blend(adapters, weights, { combination, density, svdRank, majoritySignMethod: sign });
      expect(found.config).toMatchObject({ peft_type: 'LORA', r, lora_alpha: r, use_rslora: false });
      const factors = [...found.tensors.keys()].filter((key) => key.includes('.lora_'));
      if (tensors) expect(factors.sort()).toEqual(Object.keys(tensors).sort());
      for (const [key, { shape, data }] of Object.entries(tensors ?? {})) {
        expect(found.tensors.get(key)?.shape).toEqual(shape);
        expectClose(found.tensors.get(key)?.data ?? [], data, 2e-7);
      }
      for (const [path, data] of Object.entries(products ?? {}))
        expectClose(update(found, path.slice(prefix.length)), data, 5e-6);
      if (products) expect(factors).toHaveLength(2 * Object.keys(products).length);
    },
  );
});

describe('DARE', () => {
  const keepsHalf = { combination: 'dare_linear', density: 0.5 } as const;

  it('drops about the share that density leaves, and scales what stays', async () => {
    const found = await blend(['a', 'narrow'], [1, 0], { combination: 'dare_linear_svd', density: 0.5, svdRank: 6 });
    const whole = update(await blend(['a', 'narrow'], [1, 0], { combination: 'svd', svdRank: 6 }), 'q_proj');
    const values = update(found, 'q_proj');
    const kept = Array.from(values).filter((x, i) => {
      const isKept = Math.abs(x - 2 * (whole[i] ?? 0)) < 1e-5;
      if (!isKept) expect(Math.abs(x)).toBeLessThan(1e-5);
      return isKept;
    });
    expect(kept.length).toBeGreaterThan(values.length * 0.3);
    expect(kept.length).toBeLessThan(values.length * 0.7);
  });

  it('is the same for the same seed, and another for another', async () => {
    const first = await blend(['a', 'b'], [0.5, 0.5], { ...keepsHalf, seed: 1 });
    expect(await blend(['a', 'b'], [0.5, 0.5], { ...keepsHalf, seed: 1 })).toEqual(first);
    expect(await blend(['a', 'b'], [0.5, 0.5], { ...keepsHalf, seed: 2 })).not.toEqual(first);
  });
});

describe('the config of a blend', () => {
  it('names the targets of all, and writes down ranks that differ', async () => {
    const cat = await blend(['narrow', 'a'], [1, 1], { combination: 'cat' });
    expect(cat.config).toMatchObject({
      target_modules: ['q_proj', 'v_proj'],
      r: 6,
      rank_pattern: {},
      alpha_pattern: {},
    });
    const patterned = await blend(['patterned', 'patterned'], [1, 1], { combination: 'linear' });
    expect(patterned.config).toMatchObject({ r: 4, rank_pattern: { v_proj: 2 }, alpha_pattern: { v_proj: 2 } });
    // of a module with 5 outputs an SVD gives no more than 5 directions, where PEFT writes factors that do not fit together
    const wide = await blend(['a', 'b'], [1, 1], { combination: 'svd', svdRank: 6 });
    expect(wide.config).toMatchObject({ r: 6, rank_pattern: { v_proj: 5 }, alpha_pattern: { v_proj: 5 } });
  });

  it('names every module where one of the adapters chose layers or a regular expression', async () => {
    const parts = [
      {
        name: 'a',
        weight: 1,
        content: content('a', { layers_to_transform: [0], target_modules: ['q_proj', 'v_proj'] }),
      },
      { name: 'b', weight: 1, content: content('b', { target_modules: '.*_proj' }) },
    ];
    const { config } = await blendAdapters(parts, { combination: 'cat' });
    expect(config).toMatchObject({ target_modules: ['q_proj', 'v_proj'], layers_to_transform: null });
  });

  it('keeps what one of the adapters trained whole', async () => {
    const { config, tensors } = await blend(['a', 'saved'], [0.5, 0.5], { combination: 'linear' });
    expect(config['modules_to_save']).toEqual(['head']);
    expect(tensors.get(`${prefix}head.weight`)).toEqual(content('saved').tensors.get(`${prefix}head.weight`));
  });
});

describe('what cannot be blended is refused with its reason', () => {
  const pair = (first: Record<string, unknown>, options: Partial<BlendOptions> = {}) =>
    blendAdapters(
      [
        { name: 'one', weight: 1, content: content('a', first) },
        { name: 'two', weight: 1, content: content('b') },
      ],
      { combination: 'cat', ...options },
    );

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['another method', () => pair({ peft_type: 'LOHA' }), /one: only LoRA adapters can be blended, and this is LOHA/],
    ['another library', () => pair({ peft_type: undefined }), /one: only LoRA .* this is of AdapterHub/],
    ['DoRA', () => pair({ use_dora: true }), /one: this is a DoRA adapter, and its magnitudes do not add up/],
    ['biases', () => pair({ bias: 'all' }), /one: the adapter trains biases/],
    ['a bias of B', () => pair({ lora_bias: true }), /one: the adapter trains biases/],
    ['a changed base', () => pair({ init_lora_weights: 'pissa_niter_4' }), /pissa_niter_4 changed the base model/],
    ['bare parameters', () => pair({ target_parameters: ['w'] }), /target_parameters is set/],
    ['another combination', () => pair({}, { combination: 'tis' }), /Did you mean ties\?/],
    ['no density', () => pair({}, { combination: 'ties' }), /density: ties keeps a share/],
    ['density 0', () => pair({}, { combination: 'dare_ties_svd', density: 0 }), /above 0 and up to 1/],
    ['other ranks', () => blend(['a', 'narrow'], [1, 1], { combination: 'linear' }), /4 \(a\), 2 \(narrow\)\. Use cat/],
    [
      'other ranks of one module',
      () => blend(['a', 'patterned'], [1, 1], { combination: 'ties', density: 1 }),
      /rank_pattern gives v_proj another one in patterned/,
    ],
    ['two heads', () => blend(['saved', 'saved'], [1, 1], { combination: 'cat' }), /head\.\w+ was trained whole/],
    ['no adapter', () => blendAdapters([], { combination: 'cat' }), /no adapter to blend/],
    ['no weight', () => blend(['a', 'b'], [1], { combination: 'cat' }), /b: its weight is not a number/],
  ])('%s', async (_, refused, message) => {
    await expect(refused()).rejects.toThrow(UserError);
    await expect(refused()).rejects.toThrow(message);
  });

  it('adapters of different models', async () => {
    const other = content('b');
    const tensors = new Map(other.tensors).set(`${prefix}q_proj.lora_A.weight`, {
      shape: [4, 9],
      data: new Float32Array(36),
    });
    const parts = [
      { name: 'one', weight: 1, content: content('a') },
      { name: 'two', weight: 1, content: { ...other, tensors } },
    ];
    await expect(blendAdapters(parts, { combination: 'cat' })).rejects.toThrow(
      /q_proj is 6 × 8 in one and 6 × 9 in two/,
    );
  });

  it('tensors that are not of LoRA', async () => {
    const strange = new Map([[`${prefix}norm.weight`, { shape: [1], data: new Float32Array(1) }]]);
    const parts = [{ name: 'one', weight: 1, content: { ...content('a'), tensors: strange } }];
    await expect(blendAdapters(parts, { combination: 'cat' })).rejects.toThrow(/norm\.weight is not one of LoRA's/);
  });
});
