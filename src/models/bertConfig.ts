import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import { ConfigFields } from './configFields.ts';

/** The figures of a BERT-shaped encoder, whichever of the kin it is. */
export interface BertConfig {
  readonly modelType: 'bert' | 'roberta' | 'distilbert';
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly headDim: number;
  readonly layerNormEps: number;
  readonly hiddenAct: ActivationName;
  /** rows of the table of positions */
  readonly positionRows: number;
  /** the row of the first token: RoBERTa counts from behind its padding id */
  readonly firstPosition: number;
  /** 0 where the model knows no types */
  readonly typeVocabSize: number;
  readonly padTokenId?: number;
}

/**
 * Reads config.json with the defaults of BertConfig, RobertaConfig, XLMRobertaConfig and DistilBertConfig, of which the last has names
 * and an epsilon of its own. Throws a UserError that names the field.
 */
export function readBertConfig(json: Readonly<Record<string, unknown>>): BertConfig {
  const fields = new ConfigFields(json);
  const isDistil = json['model_type'] === 'distilbert';
  const isRoberta = json['model_type'] === 'roberta' || json['model_type'] === 'xlm-roberta';
  fields.only('position_embedding_type', 'absolute', 'each position has an embedding of its own here');
  for (const name of ['is_decoder', 'add_cross_attention']) fields.only(name, false, 'a BERT is an encoder here');
  const vocabSize = fields.count('vocab_size', json['model_type'] === 'roberta' ? 50265 : 30522);
  const hiddenSize = fields.count(isDistil ? ['hidden_size', 'dim'] : 'hidden_size', 768);
  const numAttentionHeads = fields.count(isDistil ? ['num_attention_heads', 'n_heads'] : 'num_attention_heads', 12);
  const { padTokenId } = fields.specialTokens(vocabSize, { pad: isRoberta ? 1 : 0 });
  return {
    modelType: isDistil ? 'distilbert' : isRoberta ? 'roberta' : 'bert',
    vocabSize,
    hiddenSize,
    intermediateSize: fields.count(isDistil ? 'hidden_dim' : 'intermediate_size', 3072),
    numHiddenLayers: isDistil
      ? fields.layers(['num_hidden_layers', 'n_layers'], 6)
      : fields.layers('num_hidden_layers', 12),
    numAttentionHeads,
    headDim: fields.headDim(hiddenSize, numAttentionHeads),
    layerNormEps: isDistil ? 1e-12 : fields.epsilon('layer_norm_eps', 1e-12),
    hiddenAct: fields.activation(isDistil ? 'activation' : 'hidden_act', 'gelu'),
    positionRows: fields.count('max_position_embeddings', 512),
    firstPosition: isRoberta ? (padTokenId ?? 1) + 1 : 0,
    typeVocabSize: isDistil ? 0 : fields.count('type_vocab_size', 2),
    padTokenId,
  };
}
