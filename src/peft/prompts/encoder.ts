import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import { Graph } from '../../graph/graph.ts';
import { interpret, neutralStep } from '../../graph/interpret.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { tensorsForFile, valuesFromFile } from '../initialize.ts';
import type { Adapter, AdapterContent, Initial, ParameterSpec, ParameterValues } from '../method.ts';
import { embeddingsKey, type VirtualTokens } from './promptAdapter.ts';

/** Beside PEFT's file, which has only what the encoder made: the state of the encoder itself, without which training cannot go on. */
const encoderFile = 'prompt_encoder.safetensors';

/** nn.Embedding */
export function embeddingSpec(rows: number, width: number): ParameterSpec {
  return { name: 'embedding.weight', shape: [rows, width], initial: { kind: 'normal', std: 1 }, isInFile: false };
}

/** nn.Linear of that name, as it stands in the encoder's state. */
export interface EncoderLinear {
  readonly weight: ParameterSpec;
  readonly bias: ParameterSpec;
}

/** @param startsAtZero else U(±1/√in), as PyTorch starts nn.Linear */
export function linearSpecs(
  name: string,
  inFeatures: number,
  outFeatures: number,
  startsAtZero = false,
): EncoderLinear {
  const initial: Initial = startsAtZero
    ? { kind: 'constant', value: 0 }
    : { kind: 'uniform', bound: 1 / Math.sqrt(inFeatures) };
  return {
    weight: { name: `${name}.weight`, shape: [outFeatures, inFeatures], initial, isInFile: false },
    bias: { name: `${name}.bias`, shape: [outFeatures], initial, isInFile: false },
  };
}

/** x [rows, in] → x·Wᵀ + b [rows, out] */
export function traceLinear(graph: Graph, { weight, bias }: EncoderLinear, x: Tensor): Tensor {
  const operands = [x, graph.parameter(weight.name, weight.shape), undefined, graph.parameter(bias.name, bias.shape)];
  return graph.one('matmul', operands, { layout: 'nt' });
}

/**
 * An adapter whose virtual tokens are made by an encoder: PEFT's file holds what it made, the encoder lies beside.
 * @param plain the same adapter with that as its parameter, for use
 */
export function withEncoder(adapter: Adapter, encoder: VirtualTokens, plain: Adapter): Adapter {
  const state: Adapter = {
    ...adapter,
    parameters: encoder.parameters.map((spec) => ({ ...spec, isInFile: true })),
    ignoresKey: () => false,
  };
  return {
    ...adapter,
    forUse: plain,
    toContent: (values) =>
      Promise.resolve({
        config: adapter.config,
        tensors: new Map([[embeddingsKey, embeddingsOf(encoder, values)], ...tensorsForFile(adapter, values)]),
        beside: new Map([[encoderFile, tensorsForFile(state, values)]]),
      }),
    fromContent: ({ tensors, beside }: AdapterContent) => {
      const held = beside?.get(encoderFile);
      if (!held)
        throw new UserError(
          `The adapter has no ${encoderFile} beside it, and its embeddings alone do not tell the encoder that made them, so training cannot go on. Continue from a folder that Graft wrote, or start afresh.`,
        );
      return new Map([
        ...valuesFromFile(state, held),
        ...valuesFromFile({ ...adapter, ignoresKey: (key) => key === embeddingsKey }, tensors),
      ]);
    },
  };
}

/** What the encoder makes of its parameters when nothing is dropped. */
function embeddingsOf({ embeddings }: VirtualTokens, values: ParameterValues): FloatTensor {
  const graph = new Graph();
  const made = embeddings({ graph, isTraining: false, batch: 1, tokens: 0 });
  const leaves = [...graph.leaves()].map((leaf) => {
    const held = 'name' in leaf.origin && values.get(leaf.origin.name);
    if (!held) throw new Error('the encoder reads a tensor that is no parameter of the adapter');
    return [leaf, Float64Array.from(held)] as const;
  });
  return { shape: made.shape, data: Float32Array.from(interpret(graph, new Map(leaves), neutralStep)(made)) };
}
