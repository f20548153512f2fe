import { UserError } from '../formats/errors.ts';

/** The figures of a T5-shaped model. */
export interface T5Config {
  readonly modelType: 't5' | 'mt5';
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly numLayers: number;
  readonly numDecoderLayers: number;
  readonly numHeads: number;
  readonly numBuckets: number;
  /** from this distance on all share a bucket */
  readonly maxDistance: number;
  readonly layerNormEpsilon: number;
  readonly activation: string;
  readonly isGated: boolean;
  readonly tieWordEmbeddings: boolean;
  /** the decoder's output is scaled by 1 / √hiddenSize before the head, as in the first T5 */
  readonly scalesOutput: boolean;
  readonly decoderStartTokenId: number;
  readonly eosTokenIds: readonly number[];
  /** relative distances have no end: what rows may take */
  readonly maxPositions: number;
}

type Json = Readonly<Record<string, unknown>>;

const activations: Readonly<Record<string, string>> = {
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  silu: 'silu',
};

/** Rows of a model without learned positions are held to this many tokens. */
const mostPositions = 4096;

/** Reads config.json with T5Config's defaults. Throws a UserError that names the field. */
export function readT5Config(config: Json): T5Config {
  const whole = (name: string, fallback: number): number => {
    const value = config[name] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
    throw new UserError(
      `config.json: ${name} must be a whole number above 0, not ${JSON.stringify(value)}. Repair the file or download it again.`,
    );
  };
  const modelType = config['model_type'] === 'mt5' ? 'mt5' : 't5';
  const projection = String(config['feed_forward_proj'] ?? (modelType === 'mt5' ? 'gated-gelu' : 'relu'));
  const isGated = projection.startsWith('gated-');
  const named = isGated ? projection.slice('gated-'.length) : projection;
  const activation = activations[projection === 'gated-gelu' ? 'gelu_new' : named];
  if (!activation)
    throw new UserError(
      `config.json: feed_forward_proj "${projection}" is not supported; relu and gated-gelu are. Choose another checkpoint.`,
    );
  const numLayers = whole('num_layers', 6);
  const isTied = config['tie_word_embeddings'] !== false;
  const epsilon = config['layer_norm_epsilon'];
  const start = config['decoder_start_token_id'] ?? config['pad_token_id'] ?? 0;
  return {
    modelType,
    vocabSize: whole('vocab_size', 32128),
    hiddenSize: whole('d_model', 512),
    headDim: whole('d_kv', 64),
    intermediateSize: whole('d_ff', 2048),
    numLayers,
    numDecoderLayers: whole('num_decoder_layers', numLayers),
    numHeads: whole('num_heads', 8),
    numBuckets: whole('relative_attention_num_buckets', 32),
    maxDistance: whole('relative_attention_max_distance', 128),
    layerNormEpsilon: typeof epsilon === 'number' ? epsilon : 1e-6,
    activation,
    isGated,
    tieWordEmbeddings: isTied,
    scalesOutput: typeof config['scale_decoder_outputs'] === 'boolean' ? config['scale_decoder_outputs'] : isTied,
    decoderStartTokenId: typeof start === 'number' ? start : 0,
    eosTokenIds: [config['eos_token_id'] ?? 1].flat().filter((id): id is number => typeof id === 'number'),
    maxPositions: mostPositions,
  };
}

/**
 * Which bucket each relative distance −R … R takes, as rows of one-hot numbers [2R + 1, numBuckets], R = maxDistance. T5's
 * _relative_position_bucket: near distances have a bucket each, farther ones share them by the logarithm; both directions have half of
 * the buckets each where `isBidirectional`, else what lies ahead counts as distance 0.
 */
export function bucketTable(
  { numBuckets, maxDistance }: Pick<T5Config, 'numBuckets' | 'maxDistance'>,
  isBidirectional: boolean,
): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const count = 2 * maxDistance + 1;
  const data = new Float32Array(count * numBuckets);
  for (let i = 0; i < count; i++) data[i * numBuckets + bucketOf(i - maxDistance)] = 1;
  return { shape: [count, numBuckets], data };

  function bucketOf(distance: number): number {
    const buckets = isBidirectional ? Math.floor(numBuckets / 2) : numBuckets;
    const before = isBidirectional && distance > 0 ? buckets : 0;
    const far = isBidirectional ? Math.abs(distance) : Math.max(0, -distance);
    const exact = Math.floor(buckets / 2);
    if (far < exact) return before + far;
    // in f32, as torch computes it: at the edge of a bucket the rounding decides
    const share = Math.fround(Math.fround(Math.log(Math.fround(far / exact))) / Math.log(maxDistance / exact));
    const logarithmic = exact + Math.trunc(Math.fround(share * (buckets - exact)));
    return before + Math.min(logarithmic, buckets - 1);
  }
}
