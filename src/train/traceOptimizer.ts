import { differentiate } from '../graph/differentiate.ts';
import { Graph } from '../graph/graph.ts';
import { groupBlock, groupWidth } from '../graph/ops/adamW.ts';
import { metricsRing } from '../graph/ops/recordMetrics.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Adapter } from '../peft/method.ts';
import type { SpaceLayout } from '../peft/parameterSpace.ts';

/** What a method adds to an optimizer step. */
export type OptimizerHooks = Pick<Adapter, 'parameters' | 'afterStep' | 'regularizer'>;

/**
 * What follows the micro-batches of an optimizer step: the gradient of the method's penalty, the global gradient norm, AdamW over every
 * piece of the flat space with the clipped gradients, the method's own work, and the step's figures into the ring. The gradients are
 * cleared. All states: nothing is read back. Inputs: rates [groups, 4]; one [1] where there is a penalty; those of the method.
 * @param groups how many groups of parameters there are; with more than one, those frozen at this step leave the norm
 */
export function traceOptimizer(layout: SpaceLayout, groups: number, method: OptimizerHooks): Graph {
  const { afterStep, regularizer } = method;
  const graph = new Graph();
  const norm = graph.state('norm', [4]);
  const rates = graph.input('rates', [groups, groupWidth], 'f32');
  const spaces = layout.pieces.map(({ size }, i) => ({
    parameters: graph.state(`parameters.${i}`, [size]),
    gradients: graph.state(`gradients.${i}`, [size]),
    firstMoments: graph.state(`firstMoments.${i}`, [size]),
    secondMoments: graph.state(`secondMoments.${i}`, [size]),
    groups: graph.state(`groups.${i}`, [Math.ceil(size / groupBlock)], 'u32'),
  }));
  const penalty = regularizer && graph.scoped('regularizer', () => tracePenalty(graph, regularizer(graph)));
  if (groups > 1)
    for (const { gradients, groups: blocks } of spaces) graph.one('dropFrozen', [gradients, blocks, rates]);
  graph.scoped('gradient norm', () => graph.apply('gradientNorm', [norm, ...spaces.map(({ gradients }) => gradients)]));
  for (const { parameters, gradients, firstMoments, secondMoments, groups: blocks } of spaces)
    graph.scoped('AdamW', () =>
      graph.apply('adamW', [parameters, gradients, firstMoments, secondMoments, blocks, norm, rates], {
        gradients: afterStep ? 'keep' : 'clear',
      }),
    );
  if (afterStep) graph.scoped('after step', () => traceAfterStep(graph, layout, method, afterStep));
  const ring = graph.state('ring', [metricsRing.slots, metricsRing.width]);
  const figures = [graph.state('lossSum', [1]), norm, ring, ...(penalty ? [penalty] : [])];
  graph.scoped('metrics', () => graph.apply('recordMetrics', figures));
  return graph;
}

/** Adds the penalty's gradient to the gradients; returns the state that holds its value for the ring. */
function tracePenalty(graph: Graph, value: Tensor): Tensor {
  const state = graph.state('regularizer', [1]);
  graph.one('sumInto', [value, state]);
  const gradients = differentiate(graph, [{ tensor: value, gradient: graph.input('one', [1], 'f32') }]);
  for (const [{ origin, shape }, gradient] of gradients)
    if (origin.kind === 'parameter') graph.one('accumulate', [gradient, graph.state(`gradient:${origin.name}`, shape)]);
  return state;
}

function traceAfterStep(
  graph: Graph,
  layout: SpaceLayout,
  { parameters }: OptimizerHooks,
  afterStep: NonNullable<Adapter['afterStep']>,
): void {
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const of = (kind: 'parameter' | 'gradient') => (name: string) => {
    const shape = shapes.get(name);
    if (!shape) throw new Error(`the adapter has no parameter ${name}`);
    return graph.state(`${kind}:${name}`, shape);
  };
  afterStep.trace(graph, { parameter: of('parameter'), gradient: of('gradient') });
  layout.pieces.forEach(({ size }, i) => graph.one('clear', [graph.state(`gradients.${i}`, [size])]));
}
