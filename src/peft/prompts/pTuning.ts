import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields } from '../method.ts';
import { choiceField, integerField, numberField, optionalIntegerField } from '../schema.ts';
import { embeddingSpec, linearSpecs, traceLinear, withEncoder, type EncoderLinear } from './encoder.ts';
import { lstmOf, lstmParameters, traceLstm } from './lstm.ts';
import {
  asPrompt,
  promptAdapter,
  promptFields,
  promptRows,
  tokenCount,
  trainedAsTheyAre,
  type VirtualTokens,
} from './promptAdapter.ts';

/** P-tuning (Liu et al., arXiv 2103.10385), as PEFT 0.21's tuners/p_tuning has it: a small network makes the embeddings in front of the input. */
export const pTuning: Method = {
  peftType: 'P_TUNING',
  name: 'P-tuning',
  summary:
    'Prompt tuning with a small network that makes the virtual tokens, which trains more steadily; the file holds only what it made. Choose it where prompt tuning learns too slowly, with 1e-3 or more.',
  group: 'prompts',
  learningRate: 1e-3,
  whyNoMerge: 'Virtual tokens are a part of the input, not of the weights: use the adapter beside the model.',
  fields: [
    ...promptFields,
    choiceField({
      name: 'encoder_reparameterization_type',
      label: 'Encoder',
      help: 'MLP: three layers, token by token; LSTM: reads the virtual tokens in both directions.',
      default: 'MLP',
      choices: ['MLP', 'LSTM'],
    }),
    optionalIntegerField({
      name: 'encoder_hidden_size',
      label: 'Width of the encoder',
      help: 'Usually 128 to the model’s own width, which it is where nothing is given.',
      minimum: 1,
      maximum: 16384,
    }),
    integerField({
      name: 'encoder_num_layers',
      label: 'Layers of the LSTM',
      help: 'The MLP always has its three.',
      default: 2,
      minimum: 1,
      maximum: 16,
      advanced: true,
    }),
    numberField({
      name: 'encoder_dropout',
      label: 'Dropout of the LSTM',
      help: 'Share of what passes from one layer of the LSTM to the next that is dropped in training.',
      default: 0,
      minimum: 0,
      maximum: 0.99,
      advanced: true,
    }),
  ],
  attach,
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const tokens = tokenCount(fields, model);
  const rows = promptRows(fields, model);
  const width = model.description.hiddenSize;
  const hiddenSize = (fields['encoder_hidden_size'] as number | null) ?? width;
  const encoder =
    fields['encoder_reparameterization_type'] === 'LSTM'
      ? lstmEncoder(rows, width, hiddenSize, fields)
      : mlpEncoder(rows, width, hiddenSize);
  const adapterOf = (virtual: VirtualTokens) =>
    promptAdapter('P_TUNING', fields, model, {
      virtual,
      hooks: asPrompt(tokens, virtual),
      config: { encoder_hidden_size: hiddenSize },
    });
  return withEncoder(adapterOf(encoder), encoder, adapterOf(trainedAsTheyAre(rows, width)));
}

/** Embedding → Linear → ReLU → Linear → ReLU → Linear */
function mlpEncoder(rows: number, width: number, hiddenSize: number): VirtualTokens {
  const embedding = embeddingSpec(rows, width);
  const linears = [
    linearSpecs('mlp_head.0', width, hiddenSize),
    linearSpecs('mlp_head.2', hiddenSize, hiddenSize),
    linearSpecs('mlp_head.4', hiddenSize, width),
  ];
  return {
    parameters: [embedding, ...linears.flatMap(({ weight, bias }) => [weight, bias])],
    embeddings: ({ graph }) => traceMlp(graph, linears, graph.parameter(embedding.name, embedding.shape)),
  };
}

/** Embedding → bidirectional LSTM → Linear → ReLU → Linear */
function lstmEncoder(rows: number, width: number, hiddenSize: number, fields: MethodFields): VirtualTokens {
  const embedding = embeddingSpec(rows, width);
  const lstm = lstmOf('lstm_head', {
    inputSize: width,
    hiddenSize,
    numLayers: fields['encoder_num_layers'] as number,
    dropout: fields['encoder_dropout'] as number,
  });
  const linears = [
    linearSpecs('mlp_head.0', 2 * hiddenSize, 2 * hiddenSize),
    linearSpecs('mlp_head.2', 2 * hiddenSize, width),
  ];
  return {
    parameters: [embedding, ...lstmParameters(lstm), ...linears.flatMap(({ weight, bias }) => [weight, bias])],
    embeddings: (trace) => {
      const given = trace.graph.parameter(embedding.name, embedding.shape);
      return traceMlp(trace.graph, linears, traceLstm(trace, lstm, given));
    },
  };
}

/** Linears with a ReLU between any two. */
function traceMlp(graph: Graph, linears: readonly EncoderLinear[], x: Tensor): Tensor {
  return linears.reduce(
    (input, linear, i) =>
      traceLinear(graph, linear, i === 0 ? input : graph.one('unary', [input], { operator: 'relu' })),
    x,
  );
}
