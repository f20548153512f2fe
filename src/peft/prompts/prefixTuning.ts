import { UserError } from '../../formats/errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { AdapterHooks } from '../../models/hooks.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields } from '../method.ts';
import { booleanField, choiceField, optionalIntegerField } from '../schema.ts';
import { embeddingSpec, linearSpecs, traceLinear, withEncoder } from './encoder.ts';
import {
  promptAdapter,
  promptFields,
  submodulesOf,
  tokenCount,
  trainedAsTheyAre,
  type VirtualTokens,
} from './promptAdapter.ts';

const startField = choiceField({
  name: 'init_weights',
  label: 'Start of the prefix',
  help: 'Random keys and values; or zeros, which do not leave the model as it is either: they take their share of every attention.',
  default: 'random',
  choices: ['random', 'zero'],
  forNull: 'random',
  advanced: true,
});

const whyNoMerge =
  'A prefix is keys and values beside the model’s own, not a part of the weights: use the adapter beside the model.';

/**
 * Prefix tuning (Li & Liang, arXiv 2101.00190), as PEFT 0.21's tuners/prefix_tuning has it: learned keys and values in front of every
 * layer's own, without rotary embedding; with prefix_projection a small network makes them.
 */
export const prefixTuning: Method = {
  peftType: 'PREFIX_TUNING',
  name: 'Prefix tuning',
  summary:
    'Learns keys and values that every layer sees in front of each row. Stronger than a prompt at the same length, and choosable where the weights must stay untouched; it needs a high learning rate, 1e-3 to 5e-3.',
  group: 'prompts',
  learningRate: 3e-3,
  whyNoMerge,
  fields: [
    ...promptFields,
    booleanField({
      name: 'prefix_projection',
      label: 'Through a network',
      help: 'A small network makes the prefix in training, which is steadier and takes far more memory; the file stays the same.',
      default: false,
    }),
    optionalIntegerField({
      name: 'encoder_hidden_size',
      label: 'Width of the network',
      help: 'Of the projection; the width of a layer’s keys where nothing is given.',
      minimum: 1,
      maximum: 16384,
      advanced: true,
    }),
    startField,
  ],
  attach,
};

/**
 * P-tuning v2 (Liu et al., arXiv 2110.07602) is prefix tuning without projection; PEFT has no name of its own for it, and its file is
 * prefix tuning's.
 */
export const pTuningV2: Method = {
  peftType: 'P_TUNING_V2',
  filedAs: 'PREFIX_TUNING',
  name: 'P-tuning v2',
  summary:
    'Prefix tuning without a network, as its authors named it: prompts in every layer instead of the first. Choose it for classification and hard labelling tasks; it needs 5e-3 or so.',
  group: 'prompts',
  learningRate: 5e-3,
  whyNoMerge,
  fields: [...promptFields, startField],
  readConfig: (config) => ({ ...config }),
  attach: (fields, model) => attach({ ...fields, prefix_projection: false, encoder_hidden_size: null }, model),
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const { description } = model;
  if (description.modelType === 'distilbert')
    throw new UserError(
      'Transformers gives a distilbert model no keys and values from outside, so PEFT has no prefix for it. PROMPT_TUNING and P_TUNING work on it.',
    );
  const tokens = tokenCount(fields, model);
  const { numKeyValueHeads, headDim } = description;
  const layers = layersOf(fields, model);
  const keyWidth = numKeyValueHeads * headDim;
  const hiddenSize = (fields['encoder_hidden_size'] as number | null) ?? keyWidth;
  const startsAtZero = fields['init_weights'] === 'zero';
  const width = 2 * layers * keyWidth;
  const adapterOf = (virtual: VirtualTokens) =>
    promptAdapter('PREFIX_TUNING', fields, model, {
      virtual,
      hooks: asPrefix(tokens, keyWidth, virtual, (layer) => (description.stacks ? (2 * layer) % layers : layer)),
      config: {
        num_layers: layers,
        token_dim: keyWidth,
        num_attention_heads: numKeyValueHeads,
        encoder_hidden_size: hiddenSize,
        init_weights: startsAtZero ? 'zero' : null,
      },
    });
  const plain = adapterOf(
    trainedAsTheyAre(tokens, width, startsAtZero ? { kind: 'constant', value: 0 } : { kind: 'normal', std: 1 }),
  );
  if (fields['prefix_projection'] !== true) return plain;
  const encoder = projection(tokens, { keyWidth, hiddenSize, width, startsAtZero });
  return withEncoder(adapterOf(encoder), encoder, plain);
}

/**
 * Layers that the embeddings of a prefix hold keys and values of. Beside a decoder PEFT counts the encoder's, lays them out twice and
 * gives every decoder layer the next two, of which the second, for the attention to the encoder, is dropped (PeftModel.get_prompt): so
 * decoder layer i has what lies at 2i, modulo their number. A decoder with more layers than the encoder needs num_layers there.
 */
function layersOf(fields: MethodFields, model: CheckpointFacts): number {
  const { stacks, numHiddenLayers, modelType } = model.description;
  if (stacks && submodulesOf(fields, model) === 1)
    throw new UserError(
      `num_transformer_submodules: 1 leaves the decoder of a ${modelType} model one cache for two kinds of attention, at which PEFT fails, too. Leave it out.`,
    );
  return stacks ? Math.max(stacks.encoder, stacks.decoder) : numHiddenLayers;
}

/**
 * A row holds key and value of layer 0, then of layer 1 …, each with its heads behind one another.
 * @param placeOf where in a row a layer of the model finds its own
 */
function asPrefix(
  tokens: number,
  keyWidth: number,
  virtual: VirtualTokens,
  placeOf: (layer: number) => number,
): Pick<AdapterHooks, 'prefix'> {
  const made = new WeakMap<Graph, Tensor>();
  return {
    prefix: {
      tokens,
      layer(trace, layer) {
        const { graph } = trace;
        const rows = made.get(graph) ?? virtual.embeddings(trace);
        made.set(graph, rows);
        const part = (start: number) =>
          graph.one('slice', [rows], { axis: 1, start: start * keyWidth, size: keyWidth });
        const place = 2 * placeOf(layer);
        return { key: part(place), value: part(place + 1) };
      },
    },
  };
}

/** Embedding → Linear → Tanh → Linear */
function projection(
  tokens: number,
  sizes: {
    readonly keyWidth: number;
    readonly hiddenSize: number;
    readonly width: number;
    readonly startsAtZero: boolean;
  },
): VirtualTokens {
  const embedding = embeddingSpec(tokens, sizes.keyWidth);
  const down = linearSpecs('transform.0', sizes.keyWidth, sizes.hiddenSize);
  const up = linearSpecs('transform.2', sizes.hiddenSize, sizes.width, sizes.startsAtZero);
  return {
    parameters: [embedding, down.weight, down.bias, up.weight, up.bias],
    embeddings: ({ graph }) => {
      const hidden = traceLinear(graph, down, graph.parameter(embedding.name, embedding.shape));
      return traceLinear(graph, up, graph.one('unary', [hidden], { operator: 'tanh' }));
    },
  };
}
