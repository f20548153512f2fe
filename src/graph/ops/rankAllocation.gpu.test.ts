import { describe, expect, it } from 'vitest';
import { checkForward, noise, useGpu } from '../../../tests/ops/harness.ts';
import { interpret, neutralStep } from '../interpret.ts';
import { Graph } from '../graph.ts';
import type { Values } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { controlWords, type RankControl } from './rankControl.ts';

const context = useGpu();
const control = (of: Partial<RankControl>) => {
  const words = controlWords({ scores: false, chooses: false, masks: false, cut: 0, ...of });
  return { kind: 'u32', shape: [4], values: [...words] } as const;
};
const state = (shape: readonly number[], values?: readonly number[]) => ({ kind: 'state', shape, values }) as const;
const settings = { beta1: 0.85, beta2: 0.7 };

describe('rankScores', () => {
  it.each([
    { shape: [3, 700], axis: 0, scores: 8, offset: 2, adds: true },
    { shape: [257, 5], axis: 1, scores: 5, offset: 0, adds: false },
    { shape: [4, 1], axis: 0, scores: 4, offset: 0, adds: false },
  ])('$shape, ranks along axis $axis', async ({ shape, scores, ...attributes }) => {
    const positive = noise(shape[0]! * shape[1]!, 3).map(Math.abs);
    const operands = [state(shape), state(shape), state(shape, positive), state(shape, positive), state([scores])];
    for (const scoring of [true, false])
      await checkForward(context.gpu, 'rankScores', [...operands, control({ scores: scoring })], {
        ...attributes,
        ...settings,
      });
  });
});

describe('rankMask', () => {
  it.each([1, 7, 299, 300])('cuts the %s lowest of 300', async (cut) => {
    await checkForward(context.gpu, 'rankMask', [state([300]), state([300]), control({ chooses: true, cut })]);
    await checkForward(context.gpu, 'rankMask', [state([300]), state([300]), control({ cut })]);
  });

  it('cuts all that equal the last', async () => {
    const scores = [3, 1, 1, 0, 1, 2];
    const graph = new Graph();
    const [given, mask] = [graph.state('scores', [6]), graph.state('mask', [6])];
    const words = graph.input('control', [4], 'u32');
    graph.apply('rankMask', [given, mask, words]);
    const values = new Map<Tensor, Values>([
      [given, Float64Array.from(scores)],
      [mask, new Float64Array(6).fill(1)],
      [words, controlWords({ scores: false, chooses: true, masks: false, cut: 2 })],
    ]);
    expect([...interpret(graph, values, neutralStep)(mask)]).toEqual([1, 0, 0, 0, 0, 1]);
    await checkForward(context.gpu, 'rankMask', [state([6], scores), state([6]), control({ chooses: true, cut: 2 })]);
  });
});

describe('applyRankMask', () => {
  it('sets to 0 what is cut, where it is told to', async () => {
    const mask = noise(20).map((x) => (x > 0 ? 1 : 0));
    for (const masks of [true, false])
      await checkForward(context.gpu, 'applyRankMask', [state([7, 1]), state([20], mask), control({ masks })], {
        offset: 11,
      });
  });
});
