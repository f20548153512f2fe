import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { ModuleInfo } from '../../models/family.ts';
import type { ParameterSpec } from '../method.ts';
import { parameterTensor } from '../parameters.ts';

/** Two thin matrices: A [r, in] (of an embedding [vocabulary, r]) and B [out, r]. */
export interface FactorSpecs {
  readonly a: ParameterSpec;
  readonly b: ParameterSpec;
}

/** What DoRA adds to a module. */
export interface MagnitudeSpecs {
  /** m [out], trained */
  readonly magnitude: ParameterSpec;
  /** ‖W_i‖² [out], frozen */
  readonly squares: ParameterSpec;
}

/** A module with a low-rank update. */
export interface LoraSite extends FactorSpecs {
  readonly module: ModuleInfo;
  readonly rank: number;
  readonly scale: number;
  /** keys this module's dropout masks */
  readonly index: number;
  /** lora_bias [out] */
  readonly bias?: ParameterSpec;
  readonly dora?: MagnitudeSpecs;
  /** what A and B started from and what is taken out of the weight: see mutatedStart */
  readonly taken?: FactorSpecs;
}

/** s B A in a graph, for DoRA around it. */
export interface LowRankUpdate {
  readonly scale: number;
  /** A [r, in] and B [out, r] as they are now, taken as constants */
  factors(): { readonly a: Tensor; readonly b: Tensor };
  /** addend + s B A x: x [.., in] → [.., out] */
  plus(x: Tensor, addend: Tensor): Tensor;
}

export function updateOf(graph: Graph, { a, b, scale }: LoraSite): LowRankUpdate {
  return {
    scale,
    factors: () => ({ a: graph.detach(parameterTensor(graph, a)), b: graph.detach(parameterTensor(graph, b)) }),
    plus: (x, addend) => plusLowRank(graph, { a, b }, scale, x, addend),
  };
}

export function parametersOf({ a, b, bias, dora, taken }: LoraSite): ParameterSpec[] {
  const optional = [bias, dora?.magnitude, dora?.squares, taken?.a, taken?.b];
  return [a, b, ...optional.filter((spec) => spec !== undefined)];
}

/** addend + scale · (x Aᵀ) Bᵀ: x [.., in] → [.., out] */
export function plusLowRank(graph: Graph, { a, b }: FactorSpecs, scale: number, x: Tensor, addend: Tensor): Tensor {
  const reduced = graph.one('matmul', [x, parameterTensor(graph, a)], { layout: 'nt' });
  return graph.one('matmul', [reduced, parameterTensor(graph, b), addend], { layout: 'nt', alpha: scale });
}
