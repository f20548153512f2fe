import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBertConfig } from './bertConfig.ts';
import { readBloomConfig } from './bloomConfig.ts';
import { readGemmaConfig } from './gemmaConfig.ts';
import { readGpt2Config } from './gpt2Config.ts';
import { readLlamaConfig } from './llamaConfig.ts';
import { readPhi3Config } from './phi3Config.ts';
import { describeModel } from './registry.ts';
import { readT5Config } from './t5Config.ts';
import { readVitConfig } from './vitConfig.ts';

type Json = Readonly<Record<string, unknown>>;

const file = new URL('../../tests/fixtures/transformers/configDefaults.json', import.meta.url);
/** By model_type: a config.json with all that Transformers' configuration class fills in. */
const filled = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Json>>;

const readers: Readonly<Record<string, (json: Json) => object>> = {
  llama: readLlamaConfig,
  mistral: readLlamaConfig,
  qwen2: readLlamaConfig,
  qwen3: readLlamaConfig,
  bert: readBertConfig,
  roberta: readBertConfig,
  'xlm-roberta': readBertConfig,
  distilbert: readBertConfig,
  gpt2: readGpt2Config,
  bloom: readBloomConfig,
  vit: readVitConfig,
  t5: readT5Config,
  mt5: readT5Config,
  gemma: readGemmaConfig,
  gemma2: readGemmaConfig,
  gemma3_text: readGemmaConfig,
  phi3: readPhi3Config,
};

/** What differs by layer, as its values for some layers. */
const plain = (config: object) =>
  Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      typeof value === 'function' ? [0, 1, 30].map(value as (layer: number) => number) : (value as unknown),
    ]),
  );

describe('a config.json that says nothing', () => {
  it.each(Object.entries(readers))("of a %s means what Transformers' class is filled with", (modelType, read) => {
    expect(plain(read({ model_type: modelType }))).toEqual(plain(read(filled[modelType] ?? {})));
  });
});

describe('a config.json', () => {
  it.each([
    [{ model_type: 'bert', hidden_size: 30 }, /30 cannot be shared among 12 attention heads/],
    [{ model_type: 'bert', num_hidden_layers: 1.5 }, /num_hidden_layers must be a whole number above 0, not 1.5/],
    [{ model_type: 'distilbert', n_layers: 2000 }, /n_layers must be at most 1024, not 2000/],
    [{ model_type: 'bert', hidden_act: 'mish' }, /hidden_act "mish" is not supported, relu/],
    [{ model_type: 'bert', position_embedding_type: 'relative_key' }, /position_embedding_type "relative_key"/],
    [
      { model_type: 'roberta', is_decoder: true },
      /is_decoder true is not supported, only false is: a BERT is an encoder/,
    ],
    [{ model_type: 'bert', layer_norm_eps: 'small' }, /layer_norm_eps must be a number from 0 to 1, not "small"/],
    [{ model_type: 't5', feed_forward_proj: 'gated-mish' }, /feed_forward_proj "gated-mish"/],
    [{ model_type: 't5', d_kv: 0 }, /d_kv must be a whole number above 0, not 0/],
    [{ model_type: 'vit', image_size: [32, 48] }, /image_size \[32,48\] is not supported, only squares are/],
    [{ model_type: 'vit', image_size: 8 }, /image_size must be at least a patch of 16, not 8/],
    [{ model_type: 'vit', num_channels: 1 }, /num_channels 1 is not supported, only 3 is/],
    [{ model_type: 'vit', qkv_bias: 0 }, /qkv_bias must be true or false/],
  ])('is refused by the name of the field and what to do: %o', (config, message) => {
    expect(() => describeModel(config)).toThrow(message);
    expect(() => describeModel(config)).toThrow(/(Repair the file or download it again|Choose another model)\.$/);
  });

  it('may have the names that Transformers gives to the same field elsewhere', () => {
    const distil = readBertConfig({
      model_type: 'distilbert',
      hidden_size: 24,
      num_attention_heads: 3,
      num_hidden_layers: 1,
    });
    expect(distil).toMatchObject({ hiddenSize: 24, headDim: 8, numHiddenLayers: 1 });
    expect(readT5Config({ model_type: 't5', hidden_size: 24, num_layers: 3 })).toMatchObject({
      hiddenSize: 24,
      numDecoderLayers: 3,
    });
    expect(readVitConfig({ model_type: 'vit', image_size: [32, 32] }).imageSize).toBe(32);
  });

  it('names tokens that its vocabulary has, or none', () => {
    const ids = (config: Json) => {
      const { eosTokenIds, bosTokenId } = readGpt2Config({ model_type: 'gpt2', ...config });
      return [eosTokenIds, bosTokenId];
    };
    expect(ids({})).toEqual([[50256], 50256]);
    expect(ids({ vocab_size: 100 })).toEqual([[], undefined]);
    expect(ids({ eos_token_id: [3, 4], bos_token_id: null })).toEqual([[3, 4], undefined]);
  });

  it('scales what the decoder of a T5 gives unless it is untied, and never that of an mT5', () => {
    const scales = (config: Json) => readT5Config(config).scalesOutput;
    expect(scales({ model_type: 't5' })).toBe(true);
    expect(scales({ model_type: 't5', tie_word_embeddings: false })).toBe(false);
    expect(scales({ model_type: 't5', tie_word_embeddings: true, scale_decoder_outputs: false })).toBe(false);
    expect(scales({ model_type: 'mt5', tie_word_embeddings: true })).toBe(false);
  });
});
