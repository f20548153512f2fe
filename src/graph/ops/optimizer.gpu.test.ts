import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkForward, noise, runOnGpu, useGpu } from '../../../tests/ops/harness.ts';
import { Graph } from '../graph.ts';
import { neutralStep } from '../interpret.ts';
import type { Values } from '../op.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { adamConstants, groupWidth } from './adamW.ts';

const context = useGpu();
const state = (shape: Shape, values?: readonly number[]) =>
  ({ kind: 'state', shape, ...(values && { values }) }) as const;
const step = { step: 7, learningRate: 3e-3, weightDecay: 0.1, maxGradNorm: 1.5 };

describe('gradientNorm', () => {
  const norm = state([4]);
  it.each([[[1]], [[64]], [[65]], [[4097]], [[300, 17, 5000]]])('takes the norm over pieces of %j', async (sizes) => {
    await checkForward(context.gpu, 'gradientNorm', [norm, ...sizes.map((size) => state([size]))], {}, { step });
  });

  it('keeps its bits when a piece is split over bindings', async () => {
    const graph = new Graph();
    const [target, gradients] = [graph.state('norm', [4]), graph.state('gradients', [30_011])];
    graph.apply('gradientNorm', [target, gradients]);
    const values = new Map<Tensor, Values>([
      [target, new Float64Array(4)],
      [gradients, Float64Array.from(noise(30_011))],
    ]);
    const run = (bindingLimit: number) =>
      runOnGpu(context.gpu, graph, [target], values, new Map(), neutralStep, { bindingLimit });
    expect(await run(4096)).toEqual(await run(2 ** 20));
  });

  it('does not clip without a limit, and flags what is not finite', async () => {
    await checkForward(context.gpu, 'gradientNorm', [norm, state([100])], {}, { step: { maxGradNorm: 0 } });
    for (const bad of [Infinity, NaN, -Infinity]) {
      const graph = new Graph();
      const [target, gradients] = [graph.state('norm', [4]), graph.state('gradients', [130])];
      graph.apply('gradientNorm', [target, gradients]);
      const values = new Map<Tensor, Values>([
        [target, new Float64Array(4)],
        [gradients, Float64Array.from({ length: 130 }, (_, i) => (i === 99 ? bad : 1))],
      ]);
      const [result] = await runOnGpu(context.gpu, graph, [target], values, new Map(), neutralStep, {});
      expect(result?.[2], String(bad)).toBe(0);
    }
  });
});

describe('adamW', () => {
  const count = 777;
  const blocks = Math.ceil(count / 64);
  const positive = noise(count, 4).map((x) => x * x);
  const groups = {
    kind: 'u32',
    shape: [blocks],
    values: Array.from({ length: blocks }, (_, i) => (5 * i) % 3),
  } as const;
  const operands = [state([count]), state([count]), state([count]), state([count], positive), groups];
  // learning-rate and weight-decay factors, bias corrections; the last group is frozen
  const rates = state([3, 4], [1.5, 0.7, 0.5, 0.02, 1, 1, 0.9, 0.1, 0, 1, 1, 1]);

  it.each(['clear', 'keep'])('updates parameters and moments and leaves the gradients to %s', async (gradients) => {
    await checkForward(
      context.gpu,
      'adamW',
      [...operands, state([4], [9, 0.25, 1, 0]), rates],
      { gradients },
      { step },
    );
  });

  it('does the same in pieces', async () => {
    const all = [...operands, state([4], [9, 0.25, 1, 0]), rates];
    await checkForward(context.gpu, 'adamW', all, { gradients: 'clear' }, { step, bindingLimit: 512 });
  });

  it('changes nothing but the gradients when the norm is not finite', async () => {
    const all = [...operands, state([4], [0, 1, 0, 0]), rates];
    await checkForward(context.gpu, 'adamW', all, { gradients: 'clear' }, { step });
  });

  it('ends where torch.optim.AdamW with clip_grad_norm_ ends', async () => {
    const golden = JSON.parse(
      readFileSync(new URL('../../../tests/fixtures/optimizer/adamw.json', import.meta.url), 'utf8'),
    ) as {
      rateFactors: number[];
      decayFactors: number[];
      learningRates: number[];
      weightDecay: number;
      maxGradNorm: number;
      initial: number[];
      gradients: number[][];
      norms: number[];
      parametersAfter: number[][];
    };
    const size = golden.initial.length;
    const graph = new Graph();
    const spaces = ['parameters', 'gradients', 'first', 'second'].map((name) => graph.state(name, [size]));
    const groupCount = golden.rateFactors.length;
    const [groups, norm] = [graph.state('groups', [groupCount], 'u32'), graph.state('norm', [4])];
    const rates = graph.state('rates', [groupCount, groupWidth]);
    graph.apply('gradientNorm', [norm, spaces[1]]);
    graph.apply('adamW', [...spaces, groups, norm, rates], { gradients: 'clear' });
    let [parameters, first, second]: Values[] = [
      Float64Array.from(golden.initial),
      new Float64Array(size),
      new Float64Array(size),
    ];
    for (const [i, gradient] of golden.gradients.entries()) {
      const values = new Map<Tensor, Values>();
      [parameters, Float64Array.from(gradient), first, second].forEach((value, s) => {
        const space = spaces[s];
        if (space && value) values.set(space, value);
      });
      const table = golden.rateFactors.flatMap((factor, group) => [
        factor,
        golden.decayFactors[group] ?? 0,
        1 - adamConstants.beta1 ** (i + 1),
        1 - adamConstants.beta2 ** (i + 1),
      ]);
      values.set(
        groups,
        Uint32Array.from({ length: groupCount }, (_, group) => group),
      );
      values.set(rates, Float64Array.from(table)).set(norm, new Float64Array(4));
      const now = {
        ...neutralStep,
        step: i + 1,
        learningRate: golden.learningRates[i] ?? 0,
        weightDecay: golden.weightDecay,
        maxGradNorm: golden.maxGradNorm,
      };
      const results = await runOnGpu(context.gpu, graph, [...spaces, norm], values, new Map(), now, {});
      let cleared: Values | undefined;
      let measured: Values | undefined;
      [parameters, cleared, first, second, measured] = results;
      expect(cleared?.every((x) => x === 0)).toBe(true);
      expect(measured?.[0]).toBeCloseTo(golden.norms[i] ?? NaN, 5);
      const expected = golden.parametersAfter[i] ?? [];
      const worst = Math.max(...expected.map((x, j) => Math.abs(x - (parameters?.[j] ?? NaN))));
      expect(worst, `after step ${i + 1}`).toBeLessThan(2e-6);
    }
  });
});

describe('dropFrozen', () => {
  it('zeroes the gradients of groups whose learning-rate factor is 0, in pieces too', async () => {
    const count = 777;
    const blocks = Math.ceil(count / 64);
    const groups = { kind: 'u32', shape: [blocks], values: Array.from({ length: blocks }, (_, i) => i % 3) } as const;
    const rates = state([3, 4], [1.5, 1, 1, 1, 0, 1, 1, 1, -0.5, 1, 1, 1]);
    await checkForward(context.gpu, 'dropFrozen', [state([count]), groups, rates], {}, { tolerance: 0 });
    const options = { tolerance: 0, bindingLimit: 512 };
    await checkForward(context.gpu, 'dropFrozen', [state([count]), groups, rates], {}, options);
  });
});

describe('clear', () => {
  it('sets a state to zero', async () => {
    await checkForward(context.gpu, 'clear', [state([301])], {}, { tolerance: 0, bindingLimit: 512 });
  });
});

describe('recordMetrics', () => {
  const now = { step: 131, inverseTargets: 1 / 37, learningRate: 2e-4 };
  const [norm, ring] = [state([4], [3, 0.5, 1, 0]), state([64, 8])];

  it('writes one slot of the ring and clears the sums', async () => {
    await checkForward(context.gpu, 'recordMetrics', [state([1], [74]), norm, ring], {}, { step: now });
    await checkForward(
      context.gpu,
      'recordMetrics',
      [state([2], [74, 5]), norm, ring, state([1], [0.125])],
      {},
      { step: now },
    );
  });

  it('flags a norm that was not finite', async () => {
    await checkForward(
      context.gpu,
      'recordMetrics',
      [state([1], [74]), state([4], [1, 1, 0, 0]), ring],
      {},
      { step: now },
    );
  });
});
