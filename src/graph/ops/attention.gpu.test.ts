import { describe, expect, test } from 'vitest';
import { checkForward, checkGradient, useGpu, type Operand } from '../../../tests/ops/harness.ts';

interface Case {
  readonly name: string;
  readonly batches?: number;
  readonly queries: number;
  readonly keys?: number;
  readonly heads?: number;
  readonly keyHeads?: number;
  readonly headSize: number;
  readonly lengths?: readonly number[];
  readonly queryOffset?: number;
  readonly causal?: boolean;
  readonly window?: number;
  readonly prefix?: number;
}

const f32 = (...shape: number[]): Operand => ({ kind: 'f32', shape });

/** A case with a bias table of 2 · reach + 1 distances. */
interface BiasedCase extends Case {
  readonly reach: number;
}

/** Operands of a case: q, k, v, lengths, then do and statistics for the gradient ops. */
function operandsOf({ batches = 1, queries, keys = queries, heads = 1, keyHeads = heads, headSize, lengths }: Case) {
  const query = f32(batches, queries, heads, headSize);
  const key = f32(batches, keys, keyHeads, headSize);
  const given: Operand = {
    kind: 'u32',
    shape: [batches],
    values: lengths ?? Array.from({ length: batches }, () => keys),
  };
  return { forward: [query, key, key, given], query, statistics: f32(batches, heads, queries, 2) };
}

function attributesOf({ headSize, causal = true, window = 0, prefix = 0 }: Case) {
  return { causal, window, prefix, scale: 1 / Math.sqrt(headSize) };
}

const cases: readonly Case[] = [
  { name: 'one query, one key', queries: 1, headSize: 4 },
  { name: 'a tile of head size 8', queries: 32, heads: 2, headSize: 8 },
  {
    name: 'past a tile, grouped queries, head size 12',
    queries: 37,
    heads: 6,
    keyHeads: 2,
    headSize: 12,
    batches: 2,
    lengths: [37, 20],
  },
  {
    name: 'not causal, short rows, head size 20',
    queries: 65,
    heads: 2,
    headSize: 20,
    causal: false,
    batches: 3,
    lengths: [65, 1, 33],
  },
  { name: 'head size 64', queries: 70, heads: 3, keyHeads: 1, headSize: 64 },
  { name: 'head size 80, which leaves lanes without a column', queries: 33, heads: 1, headSize: 80 },
  { name: 'head size 128', queries: 40, heads: 2, keyHeads: 1, headSize: 128 },
  { name: 'head size 256', queries: 19, heads: 1, headSize: 256 },
  { name: 'more shared heads than a tile has rows', queries: 3, heads: 40, keyHeads: 1, headSize: 8 },
  { name: 'head sizes that are no multiple of four', queries: 35, heads: 2, headSize: 7 },
  { name: 'an odd head beyond sixteen columns', queries: 5, heads: 1, headSize: 67 },
  { name: 'a window within a tile', queries: 70, heads: 2, headSize: 8, window: 5 },
  { name: 'a window over tiles', queries: 130, headSize: 8, window: 67 },
  { name: 'a window without causality', queries: 50, headSize: 8, window: 3, causal: false },
  {
    name: 'a key cache',
    queries: 5,
    keys: 90,
    heads: 4,
    keyHeads: 2,
    headSize: 16,
    queryOffset: 41,
    batches: 2,
    lengths: [46, 30],
  },
  { name: 'a key cache under a window', queries: 3, keys: 90, headSize: 16, queryOffset: 70, window: 9, lengths: [73] },
  { name: 'decoding', queries: 1, keys: 150, heads: 6, keyHeads: 2, headSize: 64, queryOffset: 120, lengths: [121] },
  {
    name: 'decoding long heads',
    queries: 1,
    keys: 70,
    heads: 2,
    keyHeads: 1,
    headSize: 128,
    queryOffset: 65,
    batches: 2,
    lengths: [66, 20],
  },
  {
    name: 'decoding odd heads',
    queries: 1,
    keys: 70,
    heads: 2,
    keyHeads: 1,
    headSize: 7,
    queryOffset: 65,
    lengths: [66],
  },
  {
    name: 'decoding under a window behind a prefix',
    queries: 1,
    keys: 160,
    headSize: 20,
    queryOffset: 140,
    prefix: 3,
    window: 30,
    lengths: [141],
  },
  { name: 'a prefix', queries: 20, keys: 27, heads: 2, headSize: 8, prefix: 7, batches: 2, lengths: [20, 4] },
  { name: 'a prefix of more than a tile under a window', queries: 90, keys: 130, headSize: 8, prefix: 40, window: 6 },
  { name: 'rows that see nothing', queries: 3, keys: 3, headSize: 8, batches: 2, lengths: [0, 3] },
];

const biased: readonly BiasedCase[] = [
  { name: 'one pair', reach: 0, queries: 1, headSize: 4 },
  { name: 'a table shorter than the sequence', reach: 5, queries: 37, heads: 6, keyHeads: 2, headSize: 12, batches: 2 },
  { name: 'a table longer than the sequence', reach: 90, queries: 70, heads: 3, keyHeads: 1, headSize: 64 },
  {
    name: 'both directions',
    reach: 17,
    queries: 65,
    heads: 2,
    headSize: 20,
    causal: false,
    batches: 2,
    lengths: [65, 33],
  },
  { name: 'a head size that is no multiple of four', reach: 3, queries: 35, heads: 2, headSize: 7, batches: 3 },
  { name: 'more keys than queries', reach: 31, queries: 9, keys: 67, heads: 2, headSize: 64, causal: false },
  {
    name: 'decoding',
    reach: 40,
    queries: 1,
    keys: 150,
    heads: 6,
    keyHeads: 2,
    headSize: 64,
    queryOffset: 120,
    lengths: [121],
  },
  {
    name: 'a prefix, without a bias of its own',
    reach: 11,
    queries: 90,
    keys: 131,
    headSize: 8,
    prefix: 41,
    window: 16,
  },
  { name: 'rows that see nothing', reach: 2, queries: 3, headSize: 8, batches: 2, lengths: [0, 3] },
];

describe('attention', () => {
  const context = useGpu();

  for (const example of cases) {
    test(`${example.name}: outputs and gradients agree with the reference`, async () => {
      const { forward, query, statistics } = operandsOf(example);
      const attributes = attributesOf(example);
      const options = { step: { queryOffset: example.queryOffset ?? 0 } };
      await checkForward(context.gpu, 'attention', forward, attributes, options);
      await checkForward(context.gpu, 'attentionStatistics', [query, query, f32(...statistics.shape.slice(0, 3))]);
      const backward = [...forward, query, statistics];
      await checkForward(context.gpu, 'attentionQueryGradient', backward, attributes, options);
      await checkForward(context.gpu, 'attentionKeyGradient', backward, attributes, options);
    });
  }

  for (const example of biased) {
    test(`a bias table, ${example.name}: outputs and gradients agree with the reference`, async () => {
      const { forward, query, statistics } = operandsOf(example);
      const table = f32(example.heads ?? 1, 2 * example.reach + 1);
      const attributes = attributesOf(example);
      const options = { step: { queryOffset: example.queryOffset ?? 0 } };
      await checkForward(context.gpu, 'attention', [...forward, table], attributes, options);
      const backward = [...forward, query, statistics, table];
      await checkForward(context.gpu, 'attentionQueryGradient', backward, attributes, options);
      await checkForward(context.gpu, 'attentionKeyGradient', backward, attributes, options);
    });
  }

  test('work beyond the limit of a dispatch is split over several', async () => {
    const { forward, query, statistics } = operandsOf({ name: '', batches: 2, queries: 70, heads: 3, headSize: 8 });
    const attributes = { causal: true, window: 0, scale: 0.3 };
    const options = { flopsPerDispatch: 1e5 };
    await checkForward(context.gpu, 'attention', forward, attributes, options);
    await checkForward(context.gpu, 'attentionQueryGradient', [...forward, query, statistics], attributes, options);
    await checkForward(context.gpu, 'attentionKeyGradient', [...forward, query, statistics], attributes, options);
  });

  test('scores as far apart as ±1000 stay finite', async () => {
    const { forward } = operandsOf({ name: '', queries: 40, headSize: 8 });
    await checkForward(context.gpu, 'attention', forward, { causal: true, window: 0, scale: 500 }, { tolerance: 1e-3 });
  });

  test('the gradient rule agrees with finite differences', () => {
    const small: Case[] = [
      { name: '', queries: 4, heads: 4, keyHeads: 2, headSize: 3, batches: 2, lengths: [4, 2] },
      { name: '', queries: 5, keys: 7, heads: 1, headSize: 4, prefix: 2, window: 3 },
      { name: '', queries: 2, keys: 6, heads: 1, headSize: 4, queryOffset: 3, causal: false, lengths: [5] },
    ];
    for (const example of small) {
      const options = { step: { queryOffset: example.queryOffset ?? 0 }, outputs: [0] };
      checkGradient('attention', operandsOf(example).forward, attributesOf(example), options);
    }
  });

  test('the gradient rule agrees with finite differences under a bias table', () => {
    const small: BiasedCase[] = [
      { name: '', reach: 1, queries: 4, heads: 4, keyHeads: 2, headSize: 3, batches: 2, lengths: [4, 2] },
      { name: '', reach: 4, queries: 5, keys: 7, headSize: 4, prefix: 2, causal: false },
      { name: '', reach: 2, queries: 2, keys: 6, headSize: 4, queryOffset: 3, causal: false, lengths: [5] },
    ];
    for (const example of small) {
      const table: Operand = { kind: 'state', shape: [example.heads ?? 1, 2 * example.reach + 1] };
      const options = { step: { queryOffset: example.queryOffset ?? 0 }, outputs: [0] };
      checkGradient('attention', [...operandsOf(example).forward, table], attributesOf(example), options);
    }
  });

  test('a bias table that would be trained, or that does not fit, is refused', () => {
    const { forward } = operandsOf({ name: '', queries: 4, heads: 2, headSize: 4 });
    const attributes = { causal: true, window: 0, scale: 1 };
    expect(() => checkGradient('attention', [...forward, f32(2, 3)], attributes)).toThrow('must be frozen');
    expect(() => checkGradient('attention', [...forward, f32(2, 4)], attributes)).toThrow('odd number of distances');
    expect(() => checkGradient('attention', [...forward, f32(1, 3)], attributes)).toThrow('[2, an odd number');
  });
});
