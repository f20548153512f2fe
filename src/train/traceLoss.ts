import { differentiate } from '../graph/differentiate.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { ModelBuilder, type WeightCatalog } from '../models/builder.ts';
import { type AdapterHooks } from '../models/hooks.ts';
import type { ModelDescription } from '../models/family.ts';
import type { Traced } from '../models/runtime.ts';

/** Logits of one chunk of rows take at most about this many bytes: the loss never holds [tokens, vocabulary]. */
const logitBytes = 32 * 2 ** 20;

/** The static shape of a micro-batch. */
export interface LossShape {
  readonly batch: number;
  /** tokens of a row, a multiple of the bucket */
  readonly tokens: number;
  /** of a decoder beside an encoder: tokens of a target, a multiple of the bucket */
  readonly decoderTokens?: number;
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
 * Traces one micro-batch: Σ of the losses over its targets is added to the state 'lossSum' (without gradients, right guesses to
 * 'hitSum'), and with `gradients` every trainable parameter's gradient, scaled by the step's inverseTargets, is added to its state
 * 'gradient:NAME'. The head runs by chunks of label rows: logits, loss, their gradient and the head's backward pass of one chunk are done
 * before the next, so that [tokens, vocabulary] is never stored. Without gradients a classifier's logits, by chunks, are outputs.
 * Inputs: ids [batch, tokens], keyLengths [batch], and what lossInputs names.
 */
export function traceLoss(
  model: LossModel,
  shape: LossShape,
  options: { gradients: boolean; checkpointing: boolean },
): Traced {
  const graph = new Graph();
  const { description } = model;
  const { batch, tokens } = shape;
  const builder = new ModelBuilder({
    graph,
    ...model,
    mode: { kind: 'forward' },
    isTraining: options.gradients,
    batch,
    tokens,
    decoderTokens: shape.decoderTokens,
    checkpointing: options.checkpointing && options.gradients,
  });
  const ids = graph.input('ids', [batch, tokens], 'u32');
  const rowCount = batch * (shape.decoderTokens ?? builder.tokens);
  const hidden = graph.reshape(description.traceBody(builder, ids), [rowCount, description.hiddenSize]);
  const vectors = description.pool?.(builder, hidden) ?? hidden;
  const tail: Tail = { builder, description, vectors, bodyEnd: graph.nodes.length };
  const chunks = hasTargetValues(description) ? [valuesChunk(tail, shape)] : classChunks(tail, shape);
  if (options.gradients) {
    traceGradients(tail, chunks);
    return { graph, outputs: [] };
  }
  const logits = chunks.map(({ rows, evaluate }) => {
    const chunkLogits = builder.head(rows());
    evaluate(chunkLogits);
    return chunkLogits;
  });
  return { graph, outputs: isClassifier(description) ? logits : [] };
}

/** Regression and several labels learn values for all logits; all else learns classes of rows. */
export function hasTargetValues({ problemType }: ModelDescription): boolean {
  return problemType === 'regression' || problemType === 'multi_label_classification';
}

/** Whether a row has few enough logits that they can be handed out. */
export function isClassifier({ task }: ModelDescription): boolean {
  return task === 'SEQ_CLS' || task === 'TOKEN_CLS' || task === 'IMAGE_CLS';
}

/** What follows the body. */
interface Tail {
  readonly builder: ModelBuilder;
  readonly description: ModelDescription;
  /** the rows that the head can read */
  readonly vectors: Tensor;
  readonly bodyEnd: number;
}

/** Some rows of the head, and their loss. */
interface Chunk {
  rows(): Tensor;
  /** adds the chunk's losses to their sum; returns the gradient of the logits */
  learn(logits: Tensor): Tensor;
  evaluate(logits: Tensor): void;
  /** the gradient of the vectors, from that of the rows */
  backward(rowGradient: Tensor): Tensor;
}

function classChunks({ builder: { graph }, vectors }: Tail, { labelRows, chunkRows }: LossShape): Chunk[] {
  const lossSum = graph.state('lossSum', [1]);
  return Array.from({ length: labelRows / chunkRows }, (_, chunk) => {
    const indices = graph.input(`labelRows.${chunk}`, [chunkRows], 'u32');
    const targets = graph.input(`targets.${chunk}`, [chunkRows], 'u32');
    return {
      rows: () => graph.scoped('loss', () => graph.one('gatherRows', [vectors, indices])),
      learn(logits) {
        const [gradient, losses] = graph.scoped('loss', () => graph.apply('crossEntropy', [logits, targets]));
        graph.one('sumInto', [losses, lossSum]);
        if (!gradient) throw new Error('crossEntropy gave no gradient');
        return gradient;
      },
      evaluate(logits) {
        const [losses, hits] = graph.scoped('loss', () => graph.apply('crossEntropyLoss', [logits, targets]));
        graph.one('sumInto', [losses, lossSum]);
        graph.one('sumInto', [hits, graph.state('hitSum', [1])]);
      },
      backward: (rowGradient) =>
        graph.one('scatterAddRows', [rowGradient, indices], { rowCount: vectors.shape[0] ?? 0 }),
    };
  });
}

/** All rows of a classifier at once. Input: targetValues f32 [batch, labels]. */
function valuesChunk({ builder: { graph }, vectors, description }: Tail, { batch }: LossShape): Chunk {
  const targets = graph.input('targetValues', [batch, description.outputSize], 'f32');
  const kind = description.problemType === 'regression' ? 'squared' : 'logistic';
  const learn = (logits: Tensor) => {
    const [gradient, losses] = graph.scoped('loss', () => graph.apply('valueLoss', [logits, targets], { kind }));
    graph.one('sumInto', [losses, graph.state('lossSum', [1])]);
    if (!gradient) throw new Error('valueLoss gave no gradient');
    return gradient;
  };
  return { rows: () => vectors, learn, evaluate: learn, backward: (gradient) => gradient };
}

function traceGradients({ builder, vectors, bodyEnd }: Tail, chunks: readonly Chunk[]): void {
  const { graph } = builder;
  const addParameterGradients = (gradients: ReadonlyMap<Tensor, Tensor>) => {
    for (const [parameter, gradient] of gradients) {
      if (parameter.origin.kind !== 'parameter') continue;
      graph.one('accumulate', [gradient, graph.state(`gradient:${parameter.origin.name}`, parameter.shape)]);
    }
  };
  let vectorGradient: Tensor | undefined;
  for (const chunk of chunks) {
    const rows = chunk.rows();
    const from = graph.nodes.length;
    const logits = builder.head(rows);
    const seed = { tensor: logits, gradient: chunk.learn(logits) };
    const gradients = differentiate(graph, [seed], { from, withRespectTo: [rows] });
    addParameterGradients(gradients);
    const rowGradient = gradients.get(rows);
    if (!rowGradient) continue;
    const part = chunk.backward(rowGradient);
    vectorGradient = vectorGradient ? graph.one('binary', [vectorGradient, part], { operator: 'add' }) : part;
  }
  if (vectorGradient)
    addParameterGradients(differentiate(graph, [{ tensor: vectors, gradient: vectorGradient }], { to: bodyEnd }));
}
