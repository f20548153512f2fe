import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ParameterSpec } from './method.ts';

export function isTrained({ role = 'trained' }: ParameterSpec): boolean {
  return role === 'trained';
}

/** The parameter in a graph: a leaf whose gradient is wanted only where it is trained. */
export function parameterTensor(graph: Graph, spec: ParameterSpec): Tensor {
  return graph.parameter(spec.name, spec.shape, isTrained(spec));
}

/** Numbers of the parameters that are trained. */
export function trainedParameters(specs: readonly ParameterSpec[]): ParameterSpec[] {
  return specs.filter(isTrained);
}
