import type { Graph, Segment } from './graph.ts';
import { opDefinition } from './ops/registry.ts';
import { sameShape, sizeOf, type OpNode, type Tensor } from './tensor.ts';

export interface Seed {
  /** a tensor whose gradient is known */
  readonly tensor: Tensor;
  readonly gradient: Tensor;
}

export interface DifferentiateOptions {
  /** only the ops from this index on, and before that one, are differentiated; default: all */
  readonly from?: number;
  readonly to?: number;
  /** tensors other than trainable parameters whose gradients are wanted */
  readonly withRespectTo?: readonly Tensor[];
}

/**
 * Reverse-mode differentiation. Adds the backward ops to the graph, only along paths from the seeds to a trainable parameter
 * or a tensor asked for. Ops inside a checkpoint segment are recomputed just before their gradients: the same ops on the same
 * shapes, so that checkpointing changes memory and not bits.
 * Returns the gradient of each trainable parameter and each tensor asked for that the seeds depend on.
 */
export function differentiate(
  graph: Graph,
  seeds: readonly Seed[],
  options: DifferentiateOptions = {},
): Map<Tensor, Tensor> {
  const from = options.from ?? 0;
  const end = options.to ?? graph.nodes.length;
  const requires = tensorsThatNeedGradients(graph.nodes.slice(from, end), options.withRespectTo ?? []);
  const gradients = new Map<Tensor, Tensor>();
  const contribute = (tensor: Tensor, gradient: Tensor, isOurs: boolean) => {
    const { target, value } = throughViews(graph, tensor, gradient);
    const existing = gradients.get(target);
    gradients.set(target, existing ? addGradients(graph, existing, value, isOurs) : value);
  };
  for (const seed of seeds) contribute(seed.tensor, seed.gradient, false);

  let recomputed = new Map<OpNode, OpNode>();
  let segment: Segment | undefined;
  for (let index = end - 1; index >= from; index--) {
    const node = graph.nodes[index];
    if (!node) continue;
    if (!segment || index < segment.start) {
      segment = graph.segments.find((candidate) => index >= candidate.start && index < candidate.end);
      if (segment) recomputed = recompute(graph, segment);
    }
    const outputGradients = node.outputs.map((output) => gradients.get(output));
    if (outputGradients.every((gradient) => gradient === undefined)) continue;
    const needs = node.inputs.map((input) => input !== undefined && requires.has(input));
    if (!needs.includes(true)) continue;
    const { gradient } = opDefinition(node.op);
    if (!gradient) throw new Error(`op ${node.op} (${node.label}) has no gradient`);
    const live = segment && index >= segment.start ? (recomputed.get(node) ?? node) : node;
    const inputGradients = graph.scoped(`${node.label}.backward`, () => gradient(graph, live, outputGradients, needs));
    inputGradients.forEach((value, i) => {
      const input = node.inputs[i];
      const isHandedOn =
        outputGradients.includes(value) || inputGradients.indexOf(value) !== inputGradients.lastIndexOf(value);
      if (value && input && needs[i]) contribute(input, value, !isHandedOn);
    });
    for (const output of node.outputs) if (!options.withRespectTo?.includes(output)) gradients.delete(output);
  }
  const wanted = new Set(options.withRespectTo);
  return new Map([...gradients].filter(([tensor]) => wanted.has(tensor) || isTrainable(tensor)));
}

function isTrainable(tensor: Tensor): boolean {
  return tensor.origin.kind === 'parameter' && tensor.origin.trainable;
}

function tensorsThatNeedGradients(
  nodes: readonly OpNode[],
  wanted: readonly Tensor[],
): { has(tensor: Tensor): boolean } {
  const needed = new Set<Tensor>(wanted);
  const has = (tensor: Tensor): boolean =>
    needed.has(tensor) ||
    isTrainable(tensor) ||
    (tensor.origin.kind === 'view' && !tensor.origin.isDetached && has(tensor.origin.of));
  for (const node of nodes) {
    if (node.inputs.some((input) => input !== undefined && has(input)))
      for (const output of node.outputs) needed.add(output);
  }
  return { has };
}

/** The gradient of a reshaped tensor is the reshaped gradient. */
function throughViews(graph: Graph, tensor: Tensor, gradient: Tensor): { target: Tensor; value: Tensor } {
  let target = tensor;
  while (target.origin.kind === 'view') {
    const base = target.origin.of;
    if (sizeOf(base.shape) !== sizeOf(target.shape))
      throw new Error('the gradient of a partial view is not defined: use slice');
    target = base;
  }
  return { target, value: sameShape(target.shape, gradient.shape) ? gradient : graph.reshape(gradient, target.shape) };
}

/**
 * existing + next. A matmul just made for `next` takes `existing` as its addend, which saves a pass over memory; not so where `next` is a
 * gradient handed through (`isOurs` false), because others read it too.
 */
function addGradients(graph: Graph, existing: Tensor, next: Tensor, isOurs: boolean): Tensor {
  const last = graph.nodes.at(-1);
  const isFresh = isOurs && last?.outputs[0] === next;
  if (isFresh && last.op === 'matmul' && !last.inputs[2] && sameShape(existing.shape, next.shape)) {
    graph.nodes.pop();
    const [a, b, , bias] = last.inputs;
    return graph.one('matmul', [a, b, existing, bias], last.attributes);
  }
  return graph.one('binary', [existing, next], { operator: 'add' });
}

/** Adds a copy of the segment's ops that reads the tensors from outside the segment; unused copies are dropped by the planner. */
function recompute(graph: Graph, segment: Segment): Map<OpNode, OpNode> {
  const copies = new Map<OpNode, OpNode>();
  const tensors = new Map<Tensor, Tensor>();
  const copied = (tensor: Tensor): Tensor => {
    const known = tensors.get(tensor);
    if (known) return known;
    if (tensor.origin.kind !== 'view') return tensor;
    const base = copied(tensor.origin.of);
    if (base === tensor.origin.of) return tensor;
    return tensor.origin.isDetached ? graph.detach(base) : graph.view(base, tensor.shape, tensor.origin.offset);
  };
  for (const node of graph.nodes.slice(segment.start, segment.end)) {
    const outputs = graph.scoped(`${node.label}.recompute`, () =>
      graph.apply(
        node.op,
        node.inputs.map((input) => input && copied(input)),
        node.attributes,
      ),
    );
    node.outputs.forEach((output, i) => {
      const copy = outputs[i];
      if (copy) tensors.set(output, copy);
    });
    const copy = graph.nodes.at(-1);
    if (copy) copies.set(node, copy);
  }
  return copies;
}
