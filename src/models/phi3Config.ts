import { UserError } from '../formats/errors.ts';
import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import type { GroupedQueryConfig } from './causalConfig.ts';
import { ConfigFields } from './configFields.ts';
import { architectureKey, rotaryConfigFromGguf } from './ggufConfig.ts';
import { readRope, type Rope } from './rotary.ts';

/** The figures of a Phi-3. */
export interface Phi3Config extends GroupedQueryConfig {
  readonly rope: Rope;
  /** tokens that a query sees; 0: all before it */
  readonly slidingWindow: number;
}

/** Reads config.json with the defaults of Phi3Config. Throws a UserError that names the field, also for the long context's "longrope". */
export function readPhi3Config(json: Readonly<Record<string, unknown>>): Phi3Config {
  const fields = new ConfigFields(json);
  const vocabSize = fields.count('vocab_size', 32064);
  const hiddenSize = fields.count('hidden_size', 3072);
  const numAttentionHeads = fields.count('num_attention_heads', 32);
  const maxPositionEmbeddings = fields.count('max_position_embeddings', 4096);
  return {
    vocabSize,
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', 8192),
    numHiddenLayers: fields.layers('num_hidden_layers', 32),
    numAttentionHeads,
    numKeyValueHeads: fields.keyValueHeads(numAttentionHeads, numAttentionHeads),
    headDim: fields.rotaryHeadDim(hiddenSize, numAttentionHeads),
    rmsNormEps: fields.epsilon('rms_norm_eps', 1e-5),
    maxPositionEmbeddings,
    hiddenAct: fields.activation('hidden_act', 'silu'),
    rope: readRope(json, maxPositionEmbeddings),
    slidingWindow: fields.slidingWindow(0),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', false),
    ...fields.specialTokens(vocabSize, { eos: 32000, bos: 1, pad: 32000 }),
  };
}

/** A config.json from a GGUF file's metadata. Throws a UserError where the file is of a model of long context. */
export function phi3ConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  if (tensorNames.has('rope_factors_long.weight'))
    throw new UserError(
      'The GGUF file holds a Phi-3 of long context, whose rotary angles are scaled by length ("longrope"), which is not supported. Choose the model of short context.',
    );
  // 0 where the model has none
  const window = metadata.integer(architectureKey(metadata)('attention.sliding_window'), 0);
  return {
    model_type: 'phi3',
    ...rotaryConfigFromGguf(metadata, tensorNames),
    sliding_window: window === 0 ? null : window,
  };
}
