import { UserError } from '../formats/errors.ts';

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
  readonly hiddenAct: 'gelu' | 'gelu_tanh' | 'relu' | 'silu';
  /** rows of the table of positions */
  readonly positionRows: number;
  /** the row of the first token: RoBERTa counts from behind its padding id */
  readonly firstPosition: number;
  /** 0 where the model knows no types */
  readonly typeVocabSize: number;
  readonly padTokenId?: number;
}

type Json = Readonly<Record<string, unknown>>;

const activations: Readonly<Record<string, BertConfig['hiddenAct']>> = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
};

/** Reads config.json with the defaults of BertConfig, RobertaConfig and DistilBertConfig. Throws a UserError that names the field. */
export function readBertConfig(config: Json): BertConfig {
  const modelType =
    config['model_type'] === 'xlm-roberta' ? 'roberta' : (config['model_type'] as BertConfig['modelType']);
  const isDistil = modelType === 'distilbert';
  const whole = (name: string, distilName: string, fallback: number): number => {
    const key = isDistil ? distilName : name;
    const value = config[key] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
    throw new UserError(
      `config.json: ${key} must be a whole number above 0, not ${JSON.stringify(value)}. Repair the file or download it again.`,
    );
  };
  const hiddenSize = whole('hidden_size', 'dim', 768);
  const numAttentionHeads = whole('num_attention_heads', 'n_heads', 12);
  if (hiddenSize % numAttentionHeads !== 0)
    throw new UserError(
      `config.json: hidden_size ${hiddenSize} cannot be shared among ${numAttentionHeads} attention heads. Repair the file or download it again.`,
    );
  const act = String((isDistil ? config['activation'] : config['hidden_act']) ?? 'gelu');
  const hiddenAct = activations[act];
  if (!hiddenAct)
    throw new UserError(
      `config.json: hidden_act "${act}" is not supported; ${Object.keys(activations).join(', ')} are.`,
    );
  refuse(config, 'position_embedding_type', 'absolute');
  refuse(config, 'is_decoder', false);
  const padTokenId = typeof config['pad_token_id'] === 'number' ? config['pad_token_id'] : undefined;
  const epsilon = config['layer_norm_eps'];
  return {
    modelType,
    vocabSize: whole('vocab_size', 'vocab_size', 30522),
    hiddenSize,
    intermediateSize: whole('intermediate_size', 'hidden_dim', 3072),
    numHiddenLayers: whole('num_hidden_layers', 'n_layers', isDistil ? 6 : 12),
    numAttentionHeads,
    headDim: hiddenSize / numAttentionHeads,
    layerNormEps: !isDistil && typeof epsilon === 'number' ? epsilon : 1e-12,
    hiddenAct,
    positionRows: whole('max_position_embeddings', 'max_position_embeddings', 512),
    firstPosition: modelType === 'roberta' ? (padTokenId ?? 1) + 1 : 0,
    typeVocabSize: isDistil ? 0 : whole('type_vocab_size', 'type_vocab_size', 2),
    padTokenId,
  };
}

/** A setting that must have one value where it is there at all. */
function refuse(config: Json, name: string, supported: unknown): void {
  const value = config[name] ?? supported;
  if (value !== supported)
    throw new UserError(
      `config.json: ${name} ${JSON.stringify(value)} is not supported, only ${JSON.stringify(supported)} is. Choose another checkpoint.`,
    );
}
