import type { FloatTensor } from '../../formats/floatTensors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { LinearSite } from '../../models/hooks.ts';
import { tensorsForFile } from '../initialize.ts';
import type { Adapter, AdapterContent, ParameterValues } from '../method.ts';
import { plusLowRank, type FactorSpecs, type LoraSite } from './site.ts';

/**
 * The linear with W − s B₀ A₀ in place of W. PEFT overwrites the weight; here it stays as it is, so that it may be quantised and serve
 * other adapters.
 */
export function withoutTaken<Site extends Pick<LinearSite, 'base' | 'product'>>(
  graph: Graph,
  taken: FactorSpecs,
  scale: number,
  site: Site,
): Site {
  const less = (of: (x: Tensor) => Tensor) => (x: Tensor) => plusLowRank(graph, taken, -scale, x, of(x));
  return { ...site, base: less(site.base), product: less(site.product) };
}

/**
 * What PEFT writes with path_initial_model_for_weight_conversion, a plain LoRA for the untouched model: s B A − s B₀ A₀ =
 * s [B | −B₀] [A ; A₀], of twice the rank, and alpha such that s stays what it was. A table has nothing to take: zeros fill its rank.
 */
export function plainContent(adapter: Adapter, sites: Iterable<LoraSite>, values: ParameterValues): AdapterContent {
  const tensors = tensorsForFile(adapter, values);
  for (const { a, b, taken } of sites) {
    const before = (spec: FactorSpecs['a'] | undefined, sign: number) =>
      spec && values.get(spec.name)?.map((x) => sign * x);
    const [ofA, ofB] = [tensors.get(a.name), tensors.get(b.name)];
    if (!ofA || !ofB) continue;
    tensors.set(a.name, stacked(ofA, before(taken?.a, 1)));
    tensors.set(b.name, beside(ofB, before(taken?.b, -1)));
  }
  return { config: plainConfig(adapter.config), tensors };
}

function plainConfig(config: Adapter['config']): Record<string, unknown> {
  const alphaFactor = config['use_rslora'] === true ? Math.SQRT2 : 2;
  return {
    ...config,
    init_lora_weights: true,
    r: 2 * (config['r'] as number),
    lora_alpha: alphaFactor * (config['lora_alpha'] as number),
    rank_pattern: multiplied(config['rank_pattern'], 2),
    alpha_pattern: multiplied(config['alpha_pattern'], alphaFactor),
  };
}

function multiplied(pattern: unknown, factor: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries((pattern ?? {}) as Record<string, number>).map(([key, value]) => [key, factor * value]),
  );
}

/** `below`, or zeros, under the rows: [2 · rows, columns] */
function stacked({ shape: [rows = 0, columns = 0], data }: FloatTensor, below: Float32Array | undefined): FloatTensor {
  const all = new Float32Array(2 * rows * columns);
  all.set(data);
  if (below) all.set(below, rows * columns);
  return { shape: [2 * rows, columns], data: all };
}

/** `right`, or zeros, beside the columns: [rows, 2 · columns] */
function beside({ shape: [rows = 0, columns = 0], data }: FloatTensor, right: Float32Array | undefined): FloatTensor {
  const all = new Float32Array(2 * rows * columns);
  for (let row = 0; row < rows; row++) {
    const [start, end] = [row * columns, (row + 1) * columns];
    all.set(data.subarray(start, end), 2 * start);
    if (right) all.set(right.subarray(start, end), 2 * start + columns);
  }
  return { shape: [rows, 2 * columns], data: all };
}
