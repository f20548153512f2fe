import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import { ConfigFields } from './configFields.ts';

/** The figures of a ViT. */
export interface VitConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly headDim: number;
  /** pixels of a side */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly numChannels: number;
  readonly layerNormEps: number;
  readonly qkvBias: boolean;
  readonly hiddenAct: ActivationName;
}

/** Reads config.json with ViTConfig's defaults. Throws a UserError that names the field. */
export function readVitConfig(json: Readonly<Record<string, unknown>>): VitConfig {
  const fields = new ConfigFields(json);
  fields.only('num_channels', 3, 'images have red, green and blue here');
  const hiddenSize = fields.count('hidden_size', 768);
  const numAttentionHeads = fields.count('num_attention_heads', 12);
  const imageSize = fields.side('image_size', 224);
  const patchSize = fields.side('patch_size', 16);
  if (imageSize < patchSize) throw fields.wrong('image_size', `must be at least a patch of ${patchSize}`);
  return {
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', 3072),
    numHiddenLayers: fields.layers('num_hidden_layers', 12),
    numAttentionHeads,
    headDim: fields.headDim(hiddenSize, numAttentionHeads),
    imageSize,
    patchSize,
    numChannels: 3,
    layerNormEps: fields.epsilon('layer_norm_eps', 1e-12),
    qkvBias: fields.flag('qkv_bias', true),
    hiddenAct: fields.activation('hidden_act', 'gelu'),
  };
}
