import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import { ConfigFields, type SpecialTokenIds } from './configFields.ts';

/** The figures of a T5-shaped model. */
export interface T5Config extends SpecialTokenIds {
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
  readonly activation: ActivationName;
  readonly isGated: boolean;
  /** the decoder's output is scaled by 1 / √hiddenSize before the head, as in the first T5; tie_word_embeddings says so, and nothing else */
  readonly scalesOutput: boolean;
  readonly decoderStartTokenId: number;
  /** relative distances have no end: what rows may take */
  readonly maxPositions: number;
}

/** Rows of a model without learned positions are held to this many tokens. */
const mostPositions = 4096;

/** Reads config.json with the defaults of T5Config and MT5Config. Throws a UserError that names the field. */
export function readT5Config(json: Readonly<Record<string, unknown>>): T5Config {
  const fields = new ConfigFields(json);
  const isMt5 = json['model_type'] === 'mt5';
  const projection = fields.text('feed_forward_proj', isMt5 ? 'gated-gelu' : 'relu');
  const [, gate, named = ''] = /^(gated-)?(.*)$/.exec(projection) ?? [];
  const vocabSize = fields.count('vocab_size', isMt5 ? 250112 : 32128);
  const numLayers = fields.layers(['num_hidden_layers', 'num_layers'], isMt5 ? 8 : 6);
  const { eosTokenIds, padTokenId } = fields.specialTokens(vocabSize, { eos: 1, pad: 0 });
  return {
    modelType: isMt5 ? 'mt5' : 't5',
    vocabSize,
    hiddenSize: fields.count(['hidden_size', 'd_model'], 512),
    headDim: fields.count(['head_dim', 'd_kv'], 64),
    intermediateSize: fields.count('d_ff', isMt5 ? 1024 : 2048),
    numLayers,
    numDecoderLayers: fields.layers('num_decoder_layers', numLayers),
    numHeads: fields.count(['num_attention_heads', 'num_heads'], isMt5 ? 6 : 8),
    numBuckets: fields.count('relative_attention_num_buckets', 32),
    maxDistance: fields.count('relative_attention_max_distance', 128),
    layerNormEpsilon: fields.epsilon('layer_norm_epsilon', 1e-6),
    // T5Config reads the gated gelu so
    activation: fields.activationOf('feed_forward_proj', projection === 'gated-gelu' ? 'gelu_new' : named),
    isGated: gate !== undefined,
    scalesOutput: !isMt5 && fields.flag('scale_decoder_outputs', fields.flag('tie_word_embeddings', true)),
    decoderStartTokenId: fields.ids('decoder_start_token_id')[0] ?? padTokenId ?? 0,
    eosTokenIds,
    padTokenId,
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
