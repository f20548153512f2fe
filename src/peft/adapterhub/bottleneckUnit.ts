import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { HookTrace, SublayerSite } from '../../models/hooks.ts';
import { joinStream } from '../../models/hooks.ts';
import type { Initial, ParameterSpec } from '../method.ts';
import { randomNormals } from '../randomNumbers.ts';
import { nonLinearities, type BottleneckSettings } from './bottleneckFields.ts';

/** A learned layer norm. */
interface Norm {
  readonly weight: ParameterSpec;
  readonly bias: ParameterSpec;
}

/** The tensors of one bottleneck: width d, inner width b. */
export interface BottleneckUnit {
  /** [b, d], [b] */
  readonly down: { readonly weight: ParameterSpec; readonly bias: ParameterSpec };
  /** [d, b], [d] */
  readonly up: { readonly weight: ParameterSpec; readonly bias: ParameterSpec };
  readonly normBefore?: Norm;
  readonly normAfter?: Norm;
  /** [1] or [d] */
  readonly scaling?: ParameterSpec;
  /** tells the dropouts of a graph apart */
  readonly site: number;
}

/** @param key of the file, with the adapter's name and the dot behind it */
export function bottleneckUnit(
  key: string,
  width: number,
  innerWidth: number,
  settings: BottleneckSettings,
  site: number,
): BottleneckUnit {
  const { init_weights: start, ln_before: before, ln_after: after, scaling } = settings;
  const norm = (name: string): Norm => ({
    weight: { name: `${key}${name}.weight`, shape: [width], initial: { kind: 'constant', value: 1 } },
    bias: { name: `${key}${name}.bias`, shape: [width], initial: { kind: 'constant', value: 0 } },
  });
  const linear = (name: string, out: number, inside: number, initial: Initial) => ({
    weight: { name: `${key}${name}.weight`, shape: [out, inside], initial },
    bias: { name: `${key}${name}.bias`, shape: [out], initial: { kind: 'constant', value: 0 } as const },
  });
  const downName = `adapter_down.${before ? 1 : 0}`;
  const random = (name: string, count: number): Initial =>
    start === 'houlsby' ? cutNormal(`${key}${name}`, count) : { kind: 'normal', std: 0.02 };
  const isExact = start === 'mam_adapter';
  const ofDown: Initial = isExact
    ? { kind: 'uniform', bound: 1 / Math.sqrt(width) }
    : random(downName, innerWidth * width);
  const ofUp: Initial = isExact ? { kind: 'constant', value: 0 } : random('adapter_up', innerWidth * width);
  const learned = scaling === 'learned' ? 1 : scaling === 'channel' ? width : 0;
  return {
    down: linear(downName, innerWidth, width, ofDown),
    up: linear('adapter_up', width, innerWidth, ofUp),
    ...(before && { normBefore: norm('adapter_down.0') }),
    ...(after && { normAfter: norm('adapter_norm_after') }),
    ...(learned > 0 && {
      scaling: { name: `${key}scaling`, shape: [learned], initial: { kind: 'constant', value: 1 } },
    }),
    site,
  };
}

/** N(0, 0.01) cut off at ±0.02. */
function cutNormal(name: string, count: number): Initial {
  return {
    kind: 'computed',
    async compute({ seed }) {
      const values = randomNormals(count, seed, name);
      for (let round = 1; values.some((x) => Math.abs(x) > 2); round++) {
        const again = randomNormals(count, seed, `${name} ${round}`);
        values.forEach((x, i) => (values[i] = Math.abs(x) > 2 ? (again[i] ?? 0) : x));
      }
      return values.map((x) => 0.01 * x);
    },
  };
}

export function unitParameters({ down, up, normBefore, normAfter, scaling }: BottleneckUnit): ParameterSpec[] {
  const pairs = [down, up, normBefore, normAfter].flatMap((pair) => (pair ? [pair.weight, pair.bias] : []));
  return scaling ? [...pairs, scaling] : pairs;
}

/**
 * The stream behind a sublayer with a bottleneck at it. f is the sublayer's output, x the stream before it, N the norm of a post-norm
 * model (nothing in others), Δ(h) = s · U act(D h), dropped out. AdapterHub's adapters 1.3, methods/modeling.py:
 * sequential: h = f, or N(f + x) with original_ln_before; a = Δ(h) + shortcut; N(a + x) with original_ln_after, else a.
 * parallel: a = Δ(x) + f; the same behind it.
 */
export function bottleneckStream(
  { graph, isTraining }: HookTrace,
  unit: BottleneckUnit,
  settings: BottleneckSettings,
  site: SublayerSite,
): Tensor {
  const add = (a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'add' });
  const normed = (a: Tensor) => (unit.normAfter ? layerNorm(graph, unit.normAfter, a) : a);
  const dropout = isTraining ? settings.dropout : 0;
  const adapted = () => {
    if (settings.is_parallel)
      return add(normed(bottleneck(graph, unit, settings, dropout, site.residual)), site.output);
    const { input, shortcut } = sequentialInput(graph, settings, site);
    const delta = bottleneck(graph, unit, settings, dropout, input);
    return settings.adapter_residual_before_ln ? normed(add(delta, shortcut)) : add(normed(delta), shortcut);
  };
  const output = adapted();
  return settings.original_ln_after ? joinStream(graph, { ...site, output }) : output;
}

/** What a sequential bottleneck reads, and what is added to what it gives. */
function sequentialInput(
  graph: Graph,
  { original_ln_before: joins, residual_before_ln: shortcutFrom }: BottleneckSettings,
  { output, residual, norm }: SublayerSite,
): { readonly input: Tensor; readonly shortcut: Tensor } {
  if (!joins) return { input: output, shortcut: output };
  const sum = graph.one('binary', [output, residual], { operator: 'add' });
  const input = norm ? norm(sum) : sum;
  return { input, shortcut: shortcutFrom === true ? output : shortcutFrom === 'post_add' ? sum : input };
}

/** Δ(x): [.., d] → [.., d] */
function bottleneck(
  graph: Graph,
  unit: BottleneckUnit,
  settings: BottleneckSettings,
  dropout: number,
  x: Tensor,
): Tensor {
  const parameter = ({ name, shape }: ParameterSpec) => graph.parameter(name, shape);
  const linear = (input: Tensor, { weight, bias }: BottleneckUnit['down']) =>
    graph.one('matmul', [input, parameter(weight), undefined, parameter(bias)], { layout: 'nt' });
  const inner = linear(unit.normBefore ? layerNorm(graph, unit.normBefore, x) : x, unit.down);
  const activation = nonLinearities[settings.non_linearity];
  const up = linear(activation ? graph.one('activation', [inner], { activation }) : inner, unit.up);
  const scaled = unit.scaling
    ? graph.one('binary', [up, parameter(unit.scaling)], { operator: 'mul' })
    : settings.scaling === 1
      ? up
      : graph.one('scale', [up], { factor: settings.scaling });
  return dropout > 0 ? graph.one('dropout', [scaled], { probability: dropout, site: unit.site }) : scaled;
}

/** torch.nn.LayerNorm */
function layerNorm(graph: Graph, { weight, bias }: Norm, x: Tensor): Tensor {
  const operands = [x, graph.parameter(weight.name, weight.shape), graph.parameter(bias.name, bias.shape)];
  return graph.one('layerNorm', operands, { epsilon: 1e-5 });
}
