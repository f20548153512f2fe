import { describe, expect, test } from 'vitest';
import { checkForward, noise, useGpu, type Operand } from '../../../tests/ops/harness.ts';
import { neutralStep } from '../interpret.ts';
import type { OpNode } from '../tensor.ts';
import { Graph } from '../graph.ts';
import { crossEntropy, unusedTarget } from './crossEntropy.ts';

function operands(rows: number, classes: number, scale = 5): Operand[] {
  const targets = Array.from({ length: rows }, (_, row) => (row % 3 === 2 ? unusedTarget : (row * 7919) % classes));
  return [
    { kind: 'f32', shape: [rows, classes], scale },
    { kind: 'u32', shape: [rows], values: targets },
  ];
}

describe('crossEntropy', () => {
  const context = useGpu();

  for (const [rows, classes] of [
    [1, 1],
    [4, 2],
    [7, 253],
    [5, 256],
    [3, 4099],
  ] as const) {
    test(`${rows} rows of ${classes} classes agree with the reference`, async () => {
      const step = { inverseTargets: 0.25 };
      await checkForward(context.gpu, 'crossEntropy', operands(rows, classes), {}, { step });
      await checkForward(context.gpu, 'crossEntropyLoss', operands(rows, classes), {}, { step });
    });
  }

  test('logits as far apart as ±500 stay finite', async () => {
    await checkForward(context.gpu, 'crossEntropy', operands(4, 300, 500));
  });

  test('of equal logits the first counts as the highest', async () => {
    const logits: Operand = { kind: 'f32', shape: [3, 4], values: [1, 2, 2, 0, 1, 2, 2, 0, 3, 3, 3, 3] };
    await checkForward(context.gpu, 'crossEntropyLoss', [logits, { kind: 'u32', shape: [3], values: [1, 2, 0] }]);
  });

  test('rows that would take a dispatch too long are split over several', async () => {
    await checkForward(context.gpu, 'crossEntropy', operands(9, 100), {}, { flopsPerDispatch: 6500 });
  });

  test('the gradient formed with the loss agrees with finite differences', () => {
    const [rows, classes] = [3, 5];
    const graph = new Graph();
    const inputs = [graph.input('logits', [rows, classes], 'f32'), graph.input('targets', [rows], 'u32')];
    graph.apply('crossEntropy', inputs);
    const node = graph.nodes[0] as OpNode;
    const targets = Uint32Array.of(4, unusedTarget, 0);
    const logits = Float64Array.from(noise(rows * classes));
    const run = (at: Float64Array) =>
      crossEntropy.reference([at, targets], node, { ...neutralStep, inverseTargets: 0.5 });
    const meanLoss = (at: Float64Array) => 0.5 * Float64Array.from(run(at)[1] ?? []).reduce((a, b) => a + b, 0);
    const gradient = run(logits)[0] ?? new Float64Array();
    const h = 1e-5;
    logits.forEach((_, i) => {
      const moved = (sign: number) => logits.map((x, j) => x + (i === j ? sign * h : 0));
      expect((meanLoss(moved(1)) - meanLoss(moved(-1))) / (2 * h)).toBeCloseTo(gradient[i] ?? NaN, 8);
    });
  });
});
