import { describe, expect, test } from 'vitest';
import { checkForward, checkGradient, noise, useGpu, type Operand } from '../../../tests/ops/harness.ts';
import { Graph } from '../graph.ts';
import { interpret, neutralStep } from '../interpret.ts';
import type { Values } from '../op.ts';
import type { Tensor } from '../tensor.ts';

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
  /** lengths of the packed segments of each batch row, which fill its positions */
  readonly segments?: readonly (readonly number[])[];
}

const f32 = (...shape: number[]): Operand => ({ kind: 'f32', shape });

/** For each position the first of its segment. */
function segmentStarts(segments: readonly number[]): number[] {
  let start = 0;
  return segments.flatMap((length) => {
    const starts = Array.from({ length }, () => start);
    start += length;
    return starts;
  });
}

/** A case with a bias table of 2 · reach + 1 distances. */
interface BiasedCase extends Case {
  readonly reach: number;
}

/** Operands of a case: q, k, v, lengths, then do and statistics for the gradient ops. */
function operandsOf(example: Case) {
  const { batches = 1, queries, keys = queries, heads = 1, keyHeads = heads, headSize, segments } = example;
  const query = f32(batches, queries, heads, headSize);
  const key = f32(batches, keys, keyHeads, headSize);
  const lengths = example.lengths ?? Array.from({ length: batches }, () => keys);
  const given: Operand = segments
    ? {
        kind: 'u32',
        shape: [batches, 1 + keys - (example.prefix ?? 0)],
        values: segments.flatMap((row, b) => [lengths[b] ?? 0, ...segmentStarts(row)]),
      }
    : { kind: 'u32', shape: [batches], values: lengths };
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
  { name: 'segments of one token', queries: 5, headSize: 4, segments: [[1, 1, 1, 1, 1]] },
  {
    name: 'segments within and over tiles, grouped queries',
    queries: 131,
    heads: 6,
    keyHeads: 2,
    headSize: 12,
    batches: 2,
    lengths: [131, 90],
    segments: [
      [3, 61, 1, 40, 26],
      [64, 67],
    ],
  },
  { name: 'segments of long heads', queries: 70, heads: 2, keyHeads: 1, headSize: 128, segments: [[33, 37]] },
  { name: 'segments of odd heads under a window', queries: 70, headSize: 7, window: 9, segments: [[5, 30, 35]] },
  { name: 'segments behind a prefix', queries: 40, keys: 47, headSize: 8, prefix: 7, segments: [[13, 27]] },
  {
    name: 'segments in a key cache',
    queries: 4,
    keys: 90,
    headSize: 64,
    heads: 2,
    queryOffset: 50,
    lengths: [54],
    segments: [[20, 32, 38]],
  },
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
    name: 'a prefix, whose keys stand in front of the first position',
    reach: 11,
    queries: 90,
    keys: 131,
    headSize: 8,
    prefix: 41,
    window: 16,
  },
  { name: 'packed segments', reach: 9, queries: 50, heads: 2, headSize: 8, segments: [[7, 32, 11]] },
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
      await checkForward(context.gpu, 'attentionDiagonals', backward, attributes, options);
    });
  }

  const capped = [
    'past a tile, grouped queries, head size 12',
    'head size 64',
    'decoding',
    'a prefix',
    'decoding odd heads',
  ];
  for (const example of cases.filter(({ name }) => capped.includes(name))) {
    test(`a cap, ${example.name}: outputs and gradients agree with the reference`, async () => {
      const { forward, query, statistics } = operandsOf(example);
      const attributes = { ...attributesOf(example), cap: 0.6 };
      const options = { step: { queryOffset: example.queryOffset ?? 0 } };
      await checkForward(context.gpu, 'attention', forward, attributes, options);
      const backward = [...forward, query, statistics];
      await checkForward(context.gpu, 'attentionQueryGradient', backward, attributes, options);
      await checkForward(context.gpu, 'attentionKeyGradient', backward, attributes, options);
    });
  }

  test('a cap over a bias table: outputs and gradients agree with the reference', async () => {
    const example = { name: '', reach: 5, queries: 37, heads: 6, keyHeads: 2, headSize: 12, batches: 2 };
    const { forward, query, statistics } = operandsOf(example);
    const table = f32(6, 11);
    const attributes = { ...attributesOf(example), cap: 0.9 };
    await checkForward(context.gpu, 'attention', [...forward, table], attributes);
    const backward = [...forward, query, statistics, table];
    await checkForward(context.gpu, 'attentionQueryGradient', backward, attributes);
    await checkForward(context.gpu, 'attentionKeyGradient', backward, attributes);
    await checkForward(context.gpu, 'attentionDiagonals', backward, attributes);
  });

  test.each([
    { name: 'a table that reaches beyond all diagonals', shape: [2, 3, 9], reach: 20, zero: 4 },
    { name: 'ends that hold many', shape: [3, 2, 300], reach: 40, zero: 149 },
    { name: 'one distance', shape: [1, 5, 67], reach: 0, zero: 30 },
    { name: 'a table wholly behind the diagonals', shape: [2, 1, 5], reach: 3, zero: 0, queryOffset: 40 },
  ])('diagonals fold into a table of distances: $name', async ({ shape, reach, zero, queryOffset = 0 }) => {
    await checkForward(context.gpu, 'foldDistances', [f32(...shape)], { reach, zero }, { step: { queryOffset } });
  });

  test('a bias table may be a constant of the model, and its work may be split over dispatches', async () => {
    const packed = {
      name: '',
      batches: 2,
      queries: 70,
      heads: 3,
      headSize: 8,
      segments: [
        [40, 30],
        [9, 61],
      ],
    };
    const { forward, query, statistics } = operandsOf(packed);
    const bytes = new Uint8Array(Float32Array.from(noise(3 * 41, 5)).buffer);
    const table: Operand = { kind: 'weight', shape: [3, 41], format: 'f32', bytes };
    const options = { flopsPerDispatch: 1e5 };
    const backward = [...forward, query, statistics, table];
    await checkForward(context.gpu, 'attention', [...forward, table], attributesOf(packed), options);
    await checkForward(context.gpu, 'attentionQueryGradient', backward, attributesOf(packed), options);
    await checkForward(context.gpu, 'attentionKeyGradient', backward, attributesOf(packed), options);
    await checkForward(context.gpu, 'attentionDiagonals', backward, attributesOf(packed), options);
  });

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
    await checkForward(context.gpu, 'attention', forward, { causal: true, window: 0, scale: 500, cap: 2 });
    await checkForward(context.gpu, 'attention', forward, { causal: true, window: 0, scale: 500 }, { tolerance: 1e-3 });
  });

  test('the gradient rule agrees with finite differences', () => {
    const small: Case[] = [
      { name: '', queries: 4, heads: 4, keyHeads: 2, headSize: 3, batches: 2, lengths: [4, 2] },
      { name: '', queries: 5, keys: 7, heads: 1, headSize: 4, prefix: 2, window: 3 },
      { name: '', queries: 2, keys: 6, heads: 1, headSize: 4, queryOffset: 3, causal: false, lengths: [5] },
      { name: '', queries: 6, keys: 8, headSize: 4, prefix: 2, lengths: [5], segments: [[2, 3, 1]] },
    ];
    for (const example of small) {
      const options = { step: { queryOffset: example.queryOffset ?? 0 }, outputs: [0] };
      checkGradient('attention', operandsOf(example).forward, attributesOf(example), options);
    }
  });

  test('the gradient rule agrees with finite differences under a cap', () => {
    const example = { name: '', reach: 2, queries: 4, heads: 4, keyHeads: 2, headSize: 3, batches: 2, lengths: [4, 2] };
    const attributes = { ...attributesOf(example), cap: 0.8 };
    const { forward } = operandsOf(example);
    checkGradient('attention', forward, attributes, { outputs: [0] });
    checkGradient('attention', [...forward, f32(4, 5)], attributes, { outputs: [0] });
  });

  test('the gradient rule agrees with finite differences under a bias table', () => {
    const small: BiasedCase[] = [
      { name: '', reach: 1, queries: 4, heads: 4, keyHeads: 2, headSize: 3, batches: 2, lengths: [4, 2] },
      { name: '', reach: 4, queries: 5, keys: 7, headSize: 4, prefix: 2, causal: false },
      { name: '', reach: 2, queries: 2, keys: 6, headSize: 4, queryOffset: 3, causal: false, lengths: [5] },
    ];
    for (const example of small) {
      const table = f32(example.heads ?? 1, 2 * example.reach + 1);
      const options = { step: { queryOffset: example.queryOffset ?? 0 }, outputs: [0] };
      checkGradient('attention', [...operandsOf(example).forward, table], attributesOf(example), options);
    }
  });

  test('a packed segment gives what it gives alone', () => {
    const attributes = { causal: true, window: 0, scale: 0.5 };
    const outputOf = (tokens: readonly number[], starts: readonly number[]) => {
      const graph = new Graph();
      const x = graph.input('x', [1, tokens.length, 1, 4], 'f32');
      const given = graph.input('lengths', [1, 1 + tokens.length], 'u32');
      const [output] = graph.apply('attention', [x, x, x, given], attributes);
      const rows = Float64Array.from(tokens.flatMap((token) => noise(4, token)));
      const leaves = new Map<Tensor, Values>([
        [x, rows],
        [given, Uint32Array.from([tokens.length, ...starts])],
      ]);
      return [...interpret(graph, leaves, neutralStep)(output!)];
    };
    const packed = outputOf([4, 9, 2, 7, 5], [0, 0, 2, 2, 2]);
    expect(packed).toEqual([...outputOf([4, 9], [0, 0]), ...outputOf([2, 7, 5], [0, 0, 0])]);
  });

  test('segments without causality are refused', async () => {
    const packed: Case = { name: '', queries: 4, headSize: 4, causal: false, segments: [[2, 2]] };
    const check = checkForward(context.gpu, 'attention', operandsOf(packed).forward, attributesOf(packed));
    await expect(check).rejects.toThrow('only where it is causal');
  });

  test('a bias table that does not fit is refused', () => {
    const { forward } = operandsOf({ name: '', queries: 4, heads: 2, headSize: 4 });
    const attributes = { causal: true, window: 0, scale: 1 };
    expect(() => checkGradient('attention', [...forward, f32(2, 4)], attributes)).toThrow('odd number of distances');
    expect(() => checkGradient('attention', [...forward, f32(1, 3)], attributes)).toThrow('[2, an odd number');
  });
});
