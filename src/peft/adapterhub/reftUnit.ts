import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { HookTrace } from '../../models/hooks.ts';
import { positionMask } from '../../models/positionMasks.ts';
import type { ParameterSpec } from '../method.ts';
import { parameterTensor } from '../parameters.ts';
import { nonLinearities } from './bottleneckFields.ts';
import { orthogonalMatrix, orthogonalRows, orthogonalValues, type OrthogonalRows } from './orthogonal.ts';
import type { ReftSettings } from './reftFields.ts';

/** The tensors of one intervention on a stream of width d. */
export interface ReftUnit {
  /** W [r, d] and b [r] */
  readonly source: { readonly weight: ParameterSpec; readonly bias: ParameterSpec };
  /** R [r, d] */
  readonly projection: ParameterSpec | OrthogonalRows;
  /** the mask of positions that it works at; none: it lies in the file, and nothing reads or trains it */
  readonly mask: string | undefined;
  /** tells the dropouts of a graph apart */
  readonly site: number;
}

const frozen = () => 0;

export function reftUnit(
  key: string,
  width: number,
  { r, orthogonality }: ReftSettings,
  mask: string | undefined,
  site: number,
): ReftUnit {
  const bound = 1 / Math.sqrt(width);
  const spec = (name: string, shape: readonly number[]): ParameterSpec => ({
    name: `${key}${name}`,
    shape,
    initial: { kind: 'uniform', bound },
    ...(mask === undefined && { rateFactor: frozen }),
  });
  const rows = orthogonality ? orthogonalRows(`${key}projection.parametrizations.weight`, r, width) : undefined;
  const original = rows && { ...rows.original, ...(mask === undefined && { rateFactor: frozen }) };
  return {
    source: { weight: spec('learned_source.weight', [r, width]), bias: spec('learned_source.bias', [r]) },
    projection: rows && original ? { ...rows, original } : spec('projection.weight', [r, width]),
    mask,
    site,
  };
}

/** The unit where it is only used: its projection is a matrix that nothing trains, so that the orthogonal one [d, d] need not be held. */
export function finishedUnit(unit: ReftUnit): ReftUnit {
  const { projection } = unit;
  if ('name' in projection) return unit;
  const { name, shape } = projection.original;
  return {
    ...unit,
    projection: { name, shape, role: 'frozen', isInFile: false, initial: { kind: 'constant', value: 0 } },
  };
}

/** The values of finished units, from those that their file holds. */
export function finishedValues(
  units: readonly ReftUnit[],
  values: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): Map<string, Float32Array<ArrayBuffer>> {
  const finished = new Map(values);
  for (const { projection } of units) {
    if ('name' in projection) continue;
    finished.set(projection.original.name, orthogonalValues(projection, values));
    finished.delete(projection.base.name);
  }
  return finished;
}

export function reftParameters({ source, projection }: ReftUnit): ParameterSpec[] {
  const ofProjection = 'name' in projection ? [projection] : Object.values(projection);
  return [source.weight, source.bias, ...(ofProjection as ParameterSpec[])];
}

/**
 * The stream behind a layer, h + Rᵀ (act(W h + b) − R h) at the positions of the unit's mask and h at all others; in training what stands
 * at its positions is dropped out whole. AdapterHub's methods/reft.py; Wu et al., arXiv 2404.03592.
 * @param hidden h as the layer gives it: every unit reads that
 * @param stream h with what other units made of it
 */
export function intervene(
  trace: HookTrace,
  unit: ReftUnit,
  settings: ReftSettings,
  hidden: Tensor,
  stream: Tensor,
): Tensor {
  if (unit.mask === undefined) return stream;
  const { graph, isTraining } = trace;
  const mask = positionMask(graph, trace, unit.mask);
  const binary = (operator: 'add' | 'sub' | 'mul', a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator });
  const projection =
    'name' in unit.projection ? parameterTensor(graph, unit.projection) : orthogonalMatrix(graph, unit.projection);
  const linear = graph.one(
    'matmul',
    [hidden, leaf(graph, unit.source.weight), undefined, leaf(graph, unit.source.bias)],
    {
      layout: 'nt',
    },
  );
  const activation = nonLinearities[settings.non_linearity];
  const source = activation ? graph.one('activation', [linear], { activation }) : linear;
  const difference = settings.subtract_projection
    ? binary('sub', source, graph.one('matmul', [hidden, projection], { layout: 'nt' }))
    : source;
  if (!isTraining || settings.dropout === 0)
    return graph.one('matmul', [binary('mul', difference, mask), projection, stream], { layout: 'nn' });
  const adapted = graph.one('matmul', [difference, projection, hidden], { layout: 'nn' });
  const dropped = graph.one('dropout', [adapted], { probability: settings.dropout, site: unit.site });
  return binary('add', stream, binary('mul', binary('sub', dropped, hidden), mask));
}

function leaf(graph: Graph, { name, shape }: ParameterSpec): Tensor {
  return graph.parameter(name, shape);
}
