import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ggufFile, graft, put, refusal, scratchFolder, tinyModel, tinyTokenizer } from './harness.ts';

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => (scratch = scratchFolder()));
afterEach(() => scratch.remove());

/** A safetensors file with this header, the length field as given. */
function safetensors(header: unknown, dataBytes: number, claimedLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

describe('a good model', () => {
  it('is described', async () => {
    const { code, stdout } = await graft('inspect', tinyModel(scratch.path));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'model',
      architecture: 'LlamaForCausalLM',
      parameters: 13008,
      tensors_by_format: { F32: 21 },
      tokenizer: 'yes',
      chat_template: false,
    });
  });

  it('is described from a GGUF file that has no tokenizer, which says so', async () => {
    const { code, stdout } = await graft('inspect', put(join(scratch.path, 'a.gguf'), ggufFile()));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      hidden_size: 32,
      tokenizer: expect.stringContaining('has no list tokenizer.ggml.tokens'),
    });
  });
});

describe('weights that are not what they should be', () => {
  const entry = (shape: number[], start: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [start, end] });
  it.each<[string, Uint8Array | string, RegExp]>([
    ['an absurd header length', safetensors({}, 0, 2n ** 63n), /claims a header of \d+ bytes: it is not a safetensors/],
    ['an offset outside', safetensors({ a: entry([4], 0, 16) }, 8), /Tensor a .* ends at byte 16 .* holds 8/],
    ['overlapping tensors', safetensors({ a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12), /a and b .* share bytes/],
    ['a hole', safetensors({ a: entry([2], 4, 12) }, 12), /4 bytes that belong to no tensor/],
    ['a shape of other bytes', safetensors({ a: entry([3], 0, 8) }, 8), /has 8 bytes, but F32 of shape \[3\] takes 12/],
    ['a page instead of the file', '<html>not found</html>', /it is not a safetensors file/],
    ['an empty file', '', /only 0 bytes/],
  ])('%s', async (_, bytes, message) => {
    const folder = tinyModel(scratch.path);
    put(join(folder, 'model.safetensors'), bytes);
    expect(await refusal('inspect', folder)).toMatch(message);
  });

  it('a download that broke off', async () => {
    const folder = tinyModel(scratch.path);
    const file = join(folder, 'model.safetensors');
    writeFileSync(file, readFileSync(file).subarray(0, -100));
    expect(await refusal('inspect', folder)).toMatch(/model\.safetensors .* it is cut short\. Download it again/);
  });

  it('a missing shard, and pickled weights alone', async () => {
    const folder = tinyModel(scratch.path);
    rmSync(join(folder, 'model.safetensors'));
    put(join(folder, 'pytorch_model.bin'), 'x');
    expect(await refusal('inspect', folder)).toMatch(/has pytorch_model\.bin but no model\.safetensors/);
    put(join(folder, 'model.safetensors.index.json'), { weight_map: { a: 'model-00001-of-00002.safetensors' } });
    expect(await refusal('inspect', folder)).toMatch(/lacks model-00001-of-00002\.safetensors/);
  });

  it('a tensor that is missing, or not of the shape or type that the config asks for', async () => {
    const name = 'model.norm.weight';
    const without = tinyModel(join(scratch.path, 'a'), { change: (all) => all.filter((t) => t.name !== name) });
    expect(await refusal('inspect', without)).toMatch(/lacks the tensor model\.norm\.weight/);
    const other = tinyModel(join(scratch.path, 'b'), { config: { vocab_size: 300 } });
    expect(await refusal('inspect', other)).toMatch(/embed_tokens\.weight has the shape \[260, 16\].*\[300, 16\]/);
    const integers = tinyModel(join(scratch.path, 'c'), {
      change: (all) =>
        all.map((t) => (t.name === name ? { name, shape: [16], dtype: 'I32', data: new Uint8Array(64) } : t)),
    });
    expect(await refusal('inspect', integers)).toMatch(/model\.norm\.weight is stored as I32/);
  });
});

describe('configs that are not supported', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [
      { model_type: 'gpt_neox' },
      /"gpt_neox" is not supported\. Nearest to it here is gpt2\. Graft runs llama, mistral, qwen2, qwen3/,
    ],
    [{ model_type: undefined }, /has no model_type/],
    [{ rope_scaling: { rope_type: 'yarn', factor: 4 } }, /rope_scaling\.rope_type "yarn" is not supported/],
    [{ rope_scaling: { type: 'dynamic', factor: 4 } }, /rope_scaling\.type "dynamic" is not supported/],
    [{ rope_parameters: { rope_type: 'longrope' } }, /rope_parameters\.rope_type "longrope" is not supported/],
    [{ rope_scaling: { rope_type: 'linear', factor: 0 } }, /factor must be a number above 0/],
    [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor 0\.5 is not supported/],
    [{ hidden_act: 'mish' }, /hidden_act "mish" is not supported, relu, silu/],
    [{ num_attention_heads: 3 }, /hidden size of 16 cannot be shared among 3 attention heads/],
    [
      { num_attention_heads: 4, num_key_value_heads: 3 },
      /num_key_value_heads must divide the 4 attention heads, not 3/,
    ],
    [{ hidden_size: '16' }, /hidden_size must be a whole number above 0, not "16"/],
    [{ num_hidden_layers: 1e9 }, /num_hidden_layers must be at most 1024/],
    [{ rms_norm_eps: '1e-5' }, /rms_norm_eps must be a number from 0 to 1, not "1e-5"/],
    [{ tie_word_embeddings: 'yes' }, /tie_word_embeddings must be true or false/],
    [{ quantization_config: { quant_method: 'fp8' } }, /quantised by "fp8".*It reads bitsandbytes, gptq, awq/],
  ])('%j', async (config, message) => {
    expect(await refusal('inspect', tinyModel(scratch.path, { config }))).toMatch(message);
  });

  it('a config that is not JSON, or not an object; the path is named', async () => {
    const folder = tinyModel(scratch.path);
    put(join(folder, 'config.json'), '{nope');
    const message = await refusal('inspect', folder);
    expect(message).toMatch(/config\.json is not valid JSON/);
    expect(message).toContain(folder);
    put(join(folder, 'config.json'), '[]');
    expect(await refusal('inspect', folder)).toMatch(/not a JSON object/);
  });
});

describe('paths that hold no model', () => {
  it('nothing, a file, an empty folder', async () => {
    expect(await refusal('inspect', join(scratch.path, 'nowhere'))).toMatch(/nowhere does not exist/);
    expect(await refusal('inspect', put(join(scratch.path, 'x.txt'), 'hello'))).toMatch(/x\.txt is not a model/);
    const empty = join(scratch.path, 'empty');
    mkdirSync(empty);
    expect(await refusal('inspect', empty)).toMatch(/empty: The folder has no config\.json/);
  });
});

describe('tokenizers', () => {
  it('SentencePiece alone is refused with the way out', async () => {
    const folder = tinyModel(scratch.path, { tokenizer: null });
    put(join(folder, 'tokenizer.model'), 'x');
    expect(await refusal('inspect', folder)).toMatch(/tokenizer\.model but no tokenizer\.json.*save_pretrained/);
  });

  it('none: the model can be looked at, and text is refused with the reason', async () => {
    const folder = tinyModel(scratch.path, { tokenizer: null });
    expect((await graft('inspect', folder)).stdout).toContain('has no tokenizer.json');
    expect(await refusal('logits', '--model', folder, '--text', 'a')).toMatch(/has no tokenizer\.json/);
  });

  it('a part that cannot be reproduced is named', async () => {
    const normalizer = { type: 'Precompiled', precompiled_charsmap: 'AA==' };
    const folder = tinyModel(scratch.path, { tokenizer: { ...tinyTokenizer, normalizer } });
    expect(await refusal('logits', '--model', folder, '--text', 'a')).toMatch(/Precompiled/);
  });

  it('an id beyond the embedding is refused, not read', async () => {
    const added = { id: 260, content: '<new>', special: true, normalized: false };
    const tokenizer = { ...tinyTokenizer, added_tokens: [...tinyTokenizer.added_tokens, added] };
    const folder = tinyModel(scratch.path, { tokenizer });
    for (const args of [
      ['logits', '--text', 'a<new>'],
      ['generate', '--prompt', 'a<new>'],
    ] as const)
      expect(await refusal(args[0], '--model', folder, ...args.slice(1))).toMatch(
        /"<new>" has the id 260, but the model's embedding has only 260 rows/,
      );
  });

  it('an end-of-text token beyond the embedding is refused', async () => {
    const added = { id: 400, content: '<eos>', special: true, normalized: false };
    const folder = tinyModel(scratch.path, { tokenizer: { ...tinyTokenizer, added_tokens: [added] } });
    expect(await refusal('logits', '--model', folder, '--text', 'a')).toMatch(/"<eos>" has the id 400/);
  });
});

describe('GGUF files', () => {
  it.each<[string, Uint8Array | string, RegExp]>([
    ['rubbish', '<html>'.repeat(10), /is not a GGUF file/],
    ['an unknown architecture', ggufFile({ architecture: 'mamba' }), /architecture "mamba".*llama, qwen2, qwen3/],
    ['an IQ-quant', ggufFile({ type: 23 }), /type IQ4_XS .*It reads F32, F16, Q4_0, .* Q6_K, BF16/],
    [
      'a K-quant of short rows',
      ggufFile({ type: 12 }),
      /rows of \d+ weights, which Q4_K's blocks of 256 do not divide/,
    ],
    ['a lying offset', ggufFile({ offset: 1n << 40n }), /ends at byte \d+, but the file has \d+/],
    ['an absurd count of tensors', ggufFile({ tensorCount: 1n << 50n }), /claims \d+ tensors, more than the file can/],
    [
      'the end of the header missing',
      ggufFile().subarray(0, 300),
      /ends inside its header|more than the file can hold/,
    ],
    ['tensors missing', ggufFile({ tensors: ['token_embd.weight'] }), /lacks the tensor model\.layers\.0/],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal('inspect', put(join(scratch.path, 'a.gguf'), bytes))).toMatch(message);
  });
});

describe('adapters', () => {
  it('rubbish in their place is refused by name', async () => {
    const folder = join(scratch.path, 'adapter');
    put(join(folder, 'adapter_config.json'), '{');
    expect(await refusal('inspect', folder)).toMatch(/adapter_config\.json is not valid JSON/);
    put(join(folder, 'adapter_config.json'), { r: 4 });
    expect(await refusal('inspect', folder)).toMatch(/neither the peft_type of an adapter that PEFT saved/);
    put(join(folder, 'adapter_config.json'), {
      model_class: 'LlamaForCausalLM',
      config: {},
      version: 'adapters.1.3.0',
    });
    expect(await refusal('inspect', folder)).toMatch(/adapter\.safetensors.*use_safetensors=True/);
    put(join(folder, 'adapter_config.json'), { peft_type: 'LORA' });
    put(join(folder, 'adapter_model.bin'), 'x');
    expect(await refusal('inspect', folder)).toMatch(/adapter_model\.bin/);
  });
});
