import { describe, expect, test } from 'vitest';
import { checkForward, noise, useGpu, type Operand } from '../../../tests/ops/harness.ts';
import { differentiate } from '../differentiate.ts';
import { Graph } from '../graph.ts';
import { interpret, neutralStep } from '../interpret.ts';
import type { Values } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { sortIds } from './sortIds.ts';

const ids = [4, 0, 9, 4, 4, 70, 9, 1, 70, 69];

function operands(width: number): Operand[] {
  const { order, starts } = sortIds(Uint32Array.from(ids));
  const u32 = (values: Iterable<number>): Operand => ({
    kind: 'u32',
    shape: [[...values].length],
    values: [...values],
  });
  return [
    { kind: 'f32', shape: [ids.length, width] },
    u32(ids),
    u32(order),
    u32(starts),
    { kind: 'state', shape: [71, width] },
  ];
}

describe('embeddingGradient', () => {
  const context = useGpu();

  test.each([1, 3, 8, 64])('adds rows of width %i to the state', async (width) => {
    await checkForward(context.gpu, 'embeddingGradient', operands(width));
  });

  test('adds to a state, and from a dy, that are larger than a binding', async () => {
    await checkForward(context.gpu, 'embeddingGradient', operands(64), {}, { bindingLimit: 1024 });
  });

  test('is what differentiation adds for a trainable table', () => {
    const [rows, width] = [71, 4];
    const graph = new Graph();
    const tokens = graph.input('ids', [2, 5], 'u32');
    const table = graph.parameter('table', [rows, width]);
    const dy = graph.input('dy', [2, 5, width], 'f32');
    const output = graph.one('embedding', [tokens, table]);
    expect(differentiate(graph, [{ tensor: output, gradient: dy }]).size).toBe(0);

    const { order, starts } = sortIds(Uint32Array.from(ids));
    const state = graph.state('gradient:table', [rows, width]);
    const gradients = Float64Array.from(noise(ids.length * width));
    const values = new Map<Tensor, Values>([
      [tokens, Uint32Array.from(ids)],
      [table, new Float64Array(rows * width)],
      [dy, gradients],
      [graph.input('ids.order', [10], 'u32'), order],
      [graph.input('ids.starts', [11], 'u32'), starts],
      [state, new Float64Array(rows * width).fill(1)],
    ]);
    const result = interpret(graph, values, neutralStep)(state);
    for (const [id, tokensOfId] of [
      [4, [0, 3, 4]],
      [70, [5, 8]],
      [2, []],
    ] as const) {
      for (let h = 0; h < width; h++) {
        const expected = tokensOfId.reduce((sum, token) => sum + (gradients[token * width + h] ?? 0), 1);
        expect(result[id * width + h]).toBeCloseTo(expected, 12);
      }
    }
  });
});
