import type { Graph } from './graph.ts';
import type { StepParameters, Values } from './op.ts';
import { opDefinition } from './ops/registry.ts';
import { sizeOf, type Tensor } from './tensor.ts';

/**
 * Runs a graph with the plain TypeScript references, in doubles. The judge of every kernel and of every gradient rule.
 * @param leaves values of inputs, weights, parameters and states; states are updated in place. A view that is among them has that value
 */
export function interpret(
  graph: Graph,
  leaves: ReadonlyMap<Tensor, Values>,
  step: StepParameters,
): (tensor: Tensor) => Values {
  const values = new Map<Tensor, Values>(leaves);
  const valueOf = (tensor: Tensor): Values => {
    const value = values.get(tensor);
    if (!value && tensor.origin.kind === 'view') {
      const base = valueOf(tensor.origin.of);
      return base.slice(tensor.origin.offset, tensor.origin.offset + sizeOf(tensor.shape));
    }
    if (!value) throw new Error(`no value for tensor ${tensor.id} (${tensor.origin.kind})`);
    return value;
  };
  for (const node of graph.nodes) {
    const definition = opDefinition(node.op);
    const results = definition.reference(
      node.inputs.map((input) => input && valueOf(input)),
      node,
      step,
    );
    node.outputs.forEach((output, i) => {
      const result = results[i];
      if (!result) throw new Error(`the reference of ${node.op} gave no output ${i}`);
      values.set(output, result);
    });
    const { inPlace, writes = [] } = definition;
    const update = (input: number, result: Values | undefined) => {
      const state = node.inputs[input];
      if (state && result) values.set(state, result);
    };
    if (inPlace?.always) update(inPlace.input, results[0]);
    writes.forEach((input, i) => update(input, results[node.outputs.length + i]));
  }
  return valueOf;
}

export const neutralStep: StepParameters = {
  seed: 1,
  step: 1,
  microBatch: 0,
  queryOffset: 0,
  inverseTargets: 1,
  learningRate: 0,
  weightDecay: 0,
  maxGradNorm: 0,
};
