import { Graph } from '../graph/graph.ts';
import { groupBlock } from '../graph/ops/adamW.ts';
import { metricsRing } from '../graph/ops/recordMetrics.ts';
import type { SpaceLayout } from '../peft/parameterSpace.ts';

/**
 * What follows the micro-batches of an optimizer step: the global gradient norm, AdamW over every piece of the flat space with the
 * clipped gradients (which it clears), and the step's figures into the ring. All states: nothing is read back.
 */
export function traceOptimizer(layout: SpaceLayout): Graph {
  const graph = new Graph();
  const norm = graph.state('norm', [4]);
  const spaces = layout.pieces.map(({ size }, i) => ({
    parameters: graph.state(`parameters.${i}`, [size]),
    gradients: graph.state(`gradients.${i}`, [size]),
    firstMoments: graph.state(`firstMoments.${i}`, [size]),
    secondMoments: graph.state(`secondMoments.${i}`, [size]),
    groups: graph.state(`groups.${i}`, [Math.ceil(size / groupBlock), 2]),
  }));
  graph.scoped('gradient norm', () => graph.apply('gradientNorm', [norm, ...spaces.map(({ gradients }) => gradients)]));
  for (const { parameters, gradients, firstMoments, secondMoments, groups } of spaces)
    graph.scoped('AdamW', () =>
      graph.apply('adamW', [parameters, gradients, firstMoments, secondMoments, groups, norm], { gradients: 'clear' }),
    );
  const ring = graph.state('ring', [metricsRing.slots, metricsRing.width]);
  graph.scoped('metrics', () => graph.apply('recordMetrics', [graph.state('lossSum', [1]), norm, ring]));
  return graph;
}
