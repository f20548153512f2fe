import { differentiate } from '../graph/differentiate.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { ModelBuilder, type AdapterHooks, type WeightCatalog } from '../models/builder.ts';
import type { ModelDescription } from '../models/family.ts';

/** Logits of one chunk of rows take at most about this many bytes: the loss never holds [tokens, vocabulary]. */
const logitBytes = 32 * 2 ** 20;

/** The static shape of a micro-batch. */
export interface LossShape {
  readonly batch: number;
  /** tokens of a row, a multiple of the bucket */
  readonly tokens: number;
  /** rows of hidden states that have a target, rounded up to whole chunks */
  readonly labelRows: number;
  /** label rows whose logits are held at a time */
  readonly chunkRows: number;
}

/** Rows a chunk may hold for this vocabulary: a multiple of 16 within the binding limit (bytes). */
export function chunkRowsFor(vocabSize: number, bindingLimit: number): number {
  return Math.max(16, Math.floor(Math.min(logitBytes, bindingLimit) / (vocabSize * 4) / 16) * 16);
}

/** The least shape that holds a micro-batch: chunks are equal, so that few plans serve all batches. */
export function lossShape(
  batch: number,
  tokens: number,
  labelled: number,
  vocabSize: number,
  bindingLimit: number,
): LossShape {
  const limit = chunkRowsFor(vocabSize, bindingLimit);
  const padded = Math.ceil(Math.max(1, labelled) / 16) * 16;
  const chunks = Math.ceil(padded / limit);
  const chunkRows = chunks === 1 ? padded : limit;
  return { batch, tokens, labelRows: chunks * chunkRows, chunkRows };
}

export interface LossModel {
  readonly description: ModelDescription;
  readonly catalog: WeightCatalog;
  readonly adapter?: AdapterHooks;
  /** positions that the constant tables hold */
  readonly positions: number;
}

/**
 * Traces one micro-batch: Σ of the cross-entropy over its label rows is added to the state 'lossSum' (without gradients, right
 * guesses to 'hitSum'), and with `gradients` every trainable parameter's gradient, scaled by the step's inverseTargets, is added to its state 'gradient:NAME'.
 * The head runs by chunks of label rows: logits, loss, their gradient and the head's backward pass of one chunk are done before the
 * next, so that [tokens, vocabulary] is never stored.
 * Inputs: ids [batch, tokens], keyLengths [batch], labelRows.i and targets.i [chunkRows] for each chunk i, and what lossInputs names.
 */
export function traceLoss(
  model: LossModel,
  shape: LossShape,
  options: { gradients: boolean; checkpointing: boolean },
): Graph {
  const graph = new Graph();
  const { description } = model;
  const { batch, tokens, chunkRows } = shape;
  const builder = new ModelBuilder({
    graph,
    ...model,
    mode: { kind: 'forward' },
    isTraining: options.gradients,
    batch,
    tokens,
    checkpointing: options.checkpointing && options.gradients,
  });
  const ids = graph.input('ids', [batch, tokens], 'u32');
  const rowCount = batch * builder.tokens;
  const hidden = graph.reshape(description.traceBody(builder, ids), [rowCount, description.hiddenSize]);
  const bodyEnd = graph.nodes.length;

  const addParameterGradients = (gradients: ReadonlyMap<Tensor, Tensor>) => {
    for (const [parameter, gradient] of gradients) {
      if (parameter.origin.kind !== 'parameter') continue;
      graph.one('accumulate', [gradient, graph.state(`gradient:${parameter.origin.name}`, parameter.shape)]);
    }
  };

  let hiddenGradient: Tensor | undefined;
  for (let chunk = 0; chunk < shape.labelRows / chunkRows; chunk++) {
    const rows = graph.input(`labelRows.${chunk}`, [chunkRows], 'u32');
    const targets = graph.input(`targets.${chunk}`, [chunkRows], 'u32');
    const part = graph.scoped('loss', () => graph.one('gatherRows', [hidden, rows]));
    const start = graph.nodes.length;
    const logits = builder.linear(description.headPath, part);
    const lossSum = graph.state('lossSum', [1]);
    if (!options.gradients) {
      const [losses, hits] = graph.scoped('loss', () => graph.apply('crossEntropyLoss', [logits, targets]));
      graph.one('sumInto', [losses, lossSum]);
      graph.one('sumInto', [hits, graph.state('hitSum', [1])]);
      continue;
    }
    const [logitGradient, losses] = graph.scoped('loss', () => graph.apply('crossEntropy', [logits, targets]));
    graph.one('sumInto', [losses, lossSum]);
    if (!logitGradient) throw new Error('crossEntropy gave no gradient');
    const gradients = differentiate(graph, [{ tensor: logits, gradient: logitGradient }], {
      from: start,
      withRespectTo: [part],
    });
    addParameterGradients(gradients);
    const partGradient = gradients.get(part);
    if (!partGradient) continue;
    const scattered = graph.one('scatterAddRows', [partGradient, rows], { rowCount });
    hiddenGradient = hiddenGradient ? graph.one('binary', [hiddenGradient, scattered], { operator: 'add' }) : scattered;
  }
  if (hiddenGradient)
    addParameterGradients(differentiate(graph, [{ tensor: hidden, gradient: hiddenGradient }], { to: bodyEnd }));
  return graph;
}
