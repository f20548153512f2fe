import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/formats/safetensorsWriter.ts';
import { graft, put, refusal, runFile, scratchFolder, tinyModel, tinyTokenizer } from './harness.ts';

let scratch: ReturnType<typeof scratchFolder>;
let output: string;

beforeEach(() => {
  scratch = scratchFolder();
  output = join(scratch.path, 'out');
  tinyModel(join(scratch.path, 'model'));
  put(join(scratch.path, 'data.jsonl'), '{"text":"hello"}\n{"text":"world"}\n');
});
afterEach(() => scratch.remove());

/** What a run of these fields is refused with; it must leave nothing behind. */
async function refusedRun(fields: Record<string, unknown>): Promise<string> {
  const message = await refusal('train', runFile(scratch.path, fields), '--output', output);
  expect(existsSync(output)).toBe(false);
  return message;
}

describe('a run file', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{ lora_alpah: 3 }, /lora_alpah is not a field of a run; did you mean lora_alpha\?/],
    [{ r: '8' }, /r: "8" does not work; it must be a whole number from 1/],
    [{ r: 0 }, /r: 0 does not work/],
    [{ r: 1.5 }, /r: 1\.5 does not work/],
    [{ r: 2 ** 40 }, /r: \d+ does not work; it must be a whole number from 1 to 16384/],
    [{ lora_dropout: 1 }, /lora_dropout: 1 does not work; it must be a number from 0 to 0\.99/],
    [{ lora_rank: 4, r: 8 }, /lora_rank and r mean the same/],
    [{ bias: true }, /bias: true does not work; it must be one of none, all, lora_only/],
    [{ lr_scheduler_type: true }, /lr_scheduler_type: true does not work/],
    [{ rank_pattern: { q_proj: 1.5 } }, /rank_pattern: .* whole numbers from 1/],
    [{ rank_pattern: { '(': 4 } }, /rank_pattern or alpha_pattern: "\(" is not a regular expression/],
    [{ packing: true }, /packing: Graft does not have it\. .* Leave the field out/],
    [{ load_in_4bit: true, load_in_8bit: true }, /load_in_4bit and load_in_8bit exclude each other/],
    [{ load_in_8bit: 'yes' }, /load_in_8bit: "yes" does not work/],
    [{ task_type: 'SEQ_CLS' }, /line 1: .* it has no label/],
    [{ peft_type: 'LOAR' }, /peft_type "LOAR" is not one of Graft's methods\. Did you mean LORA\?/],
    [{ target_modules: ['q_prj'] }, /nothing in this model is named q_prj\. Did you mean q_proj\?/],
    [{ target_modules: '(*' }, /target_modules: "\(\*" is not a regular expression/],
    [{ target_modules: ['input_layernorm'] }, /input_layernorm.* which this method cannot change/],
    [
      { target_modules: '.*q_proj', layers_to_transform: [0] },
      /layers_to_transform cannot be used when target_modules/,
    ],
    [{ layers_to_transform: [9] }, /in layers 9 \(there are 2, counted from 0\)\. There are q_proj/],
    [{ layers_to_transform: -1 }, /layers_to_transform: -1 does not work; it must be a whole number/],
    [{ exclude_modules: ['q_proj', 'v_proj'] }, /exclude_modules and modules_to_save take away all that it matches/],
    [{ exclude_modules: '(*' }, /exclude_modules: "\(\*" is not a regular expression/],
    [{ modules_to_save: ['classifier'] }, /modules_to_save: this model has no module named classifier/],
    [{ modules_to_save: ['('] }, /modules_to_save: "\(" is not a regular expression/],
    [{ peft_type: 'IA3', feedforward_modules: '(' }, /feedforward_modules: "\(" is not a regular expression/],
    [{ max_length: 65 }, /max_length: 65 is more than the 64 positions of this model/],
    [{ model: undefined }, /model: no model is named/],
    [{ model: './nowhere' }, /nowhere does not exist/],
    [{ dataset: undefined }, /dataset: no file is named/],
    [{ dataset: 5 }, /dataset: 5 does not work; it must be text/],
    [{ dataset: './nowhere.jsonl' }, /nowhere\.jsonl does not exist/],
    [{ init_adapter: './nowhere' }, /nowhere does not exist/],
    [{ init_adapter: '.' }, /has no adapter_config\.json/],
  ])('%j', async (fields, message) => {
    expect(await refusedRun(fields)).toMatch(message);
  });

  it.each([
    ['a: [1\nb: {', /is not YAML: .* at line 2/],
    ['r: 1\nr: 2\n', /is not YAML: Map keys must be unique at line 2/],
    ['- a\n', /holds no fields/],
    ['', /holds no fields/],
  ])('that reads %j', async (text, message) => {
    const file = put(join(scratch.path, 'run.yaml'), text);
    const refused = await refusal('train', file, '--output', output);
    expect(refused).toMatch(message);
    expect(refused).toContain(file);
  });
});

describe('the output folder', () => {
  it('is refused before the run where it is a file or lies under one', async () => {
    const file = join(scratch.path, 'data.jsonl');
    for (const path of [file, join(file, 'sub')])
      expect(await refusal('train', runFile(scratch.path), '--output', path)).toMatch(
        /cannot be made a folder.*a file/,
      );
  });
});

describe('data', () => {
  const refusedData = (name: string, content: string | Uint8Array, fields = {}) => {
    put(join(scratch.path, name), content);
    return refusedRun({ dataset: `./${name}`, ...fields });
  };
  const bytes = (...parts: (string | number)[]) =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...new TextEncoder().encode(part)])));

  it.each<[string, string, string | Uint8Array, RegExp]>([
    [
      'only broken lines',
      'a.jsonl',
      '{x\n{y\n',
      /a\.jsonl has no row that can be used; the first, line 1, is not valid/,
    ],
    ['nothing', 'a.jsonl', '', /a\.jsonl has no rows/],
    ['blank lines', 'a.jsonl', '\n \n\n', /a\.jsonl has no rows/],
    ['Latin-1', 'a.jsonl', bytes('{"text":"ok"}\n{"text":"', 0xe9, '"}\n'), /not UTF-8 text: byte 24 \(line 2\)/],
    ['UTF-16', 'a.jsonl', bytes(0xff, 0xfe, '{'), /UTF-16/],
    ['empty replies', 'a.jsonl', '{"prompt":"a","completion":""}\n', /line 1, has an empty completion/],
    ['unknown columns', 'a.csv', 'x,y\n1,2\n', /row 1, has none of the known columns \(it has: x, y\)/],
    ['no list', 'a.json', '{"a":1}', /a\.json holds no list of rows/],
    ['a broken list', 'a.json', '[{"text":', /a\.json is not valid JSON/],
    ['a Parquet file', 'a.parquet', 'PAR1', /Parquet/],
    [
      'replies that are cut off',
      'a.jsonl',
      `{"prompt":"${'a'.repeat(40)}","completion":"b"}\n`,
      /begins after the first 32/,
    ],
    [
      'conversations for a model without a template',
      'a.jsonl',
      '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n',
      /the model has no chat template/,
    ],
  ])('%s', async (_, name, content, message) => {
    expect(await refusedData(name, content)).toMatch(message);
  });

  it('tokens that the model has no embedding for', async () => {
    const added = { id: 300, content: '<new>', special: true, normalized: false };
    tinyModel(join(scratch.path, 'model'), {
      tokenizer: { ...tinyTokenizer, added_tokens: [...tinyTokenizer.added_tokens, added] },
    });
    expect(await refusedData('a.jsonl', '{"text":"a<new>"}\n')).toMatch(/"<new>" has the id 300/);
  });

  it('a share held out that leaves no row', async () => {
    expect(await refusedData('a.jsonl', '{"text":"a"}\n', { val_split_ratio: 0.5 })).toMatch(/leaves none to train on/);
  });
});

describe('an adapter that is continued', () => {
  /** A LoRA of q_proj in both layers, of a model of this width. */
  function adapter(config: Record<string, unknown> = {}, width = 16, value = 0.5): void {
    const folder = join(scratch.path, 'adapter');
    put(join(folder, 'adapter_config.json'), {
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 4,
      target_modules: ['q_proj'],
      ...config,
    });
    const tensors = [0, 1].flatMap((layer) => {
      const key = `base_model.model.model.layers.${layer}.self_attn.q_proj.lora_`;
      const data = () => new Float32Array(2 * width).fill(value);
      return [
        { name: `${key}A.weight`, shape: [2, width], data: data() },
        { name: `${key}B.weight`, shape: [width, 2], data: data() },
      ];
    });
    put(join(folder, 'adapter_model.safetensors'), writeSafetensors(tensors));
  }
  const continued = (fields: Record<string, unknown> = {}) => refusedRun({ init_adapter: './adapter', ...fields });

  it('of another base is refused with each tensor that does not fit', async () => {
    adapter({}, 8);
    expect(await continued()).toMatch(/does not fit this model: .*q_proj\.lora_A\.weight is \[2, 8\], not \[2, 16\]/);
    adapter({ target_modules: ['v_proj'] });
    const message = await continued();
    expect(message).toMatch(/missing base_model\.model\.model\.layers\.0\.self_attn\.v_proj\.lora_A\.weight/);
    expect(message).toMatch(/unexpected base_model\.model\.model\.layers\.0\.self_attn\.q_proj\.lora_A\.weight/);
  });

  it('that holds NaN is refused with the name of the tensor', async () => {
    adapter({}, 16, NaN);
    expect(await continued()).toMatch(/q_proj\.lora_A\.weight in adapter_model\.safetensors holds values that are not/);
  });

  it('must agree with fields that are repeated beside it', async () => {
    adapter();
    expect(await continued({ r: 4 })).toMatch(/r: 4 disagrees with the adapter that is continued, which has 2/);
    expect(await continued({ peft_type: 'IA3' })).toMatch(/peft_type: IA3 disagrees with the adapter .* is LORA/);
  });

  it('of AdapterHub is refused by name', async () => {
    adapter({ peft_type: undefined, model_class: 'LlamaForCausalLM' });
    expect(await continued()).toMatch(/AdapterHub/);
  });
});

describe('generate and logits', () => {
  it.each<[string[], RegExp]>([
    [['--prompt', ''], /The prompt is empty/],
    [['--prompt', 'a'.repeat(64)], /The prompt has 64 tokens, and the model takes 64/],
    [['--prompt', 'a', '--max-new-tokens', '0'], /--max-new-tokens 0 does not work; it must be a whole number of 1/],
    [['--prompt', 'a', '--max-new-tokens', 'NaN'], /--max-new-tokens NaN does not work/],
    [['--prompt', 'a', '--temperature=-1'], /--temperature -1 does not work; it must be a number of 0 or more/],
    [['--prompt', 'a', '--top-p', '2'], /--top-p 2 does not work; it must be a number from 0 to 1/],
    [['--prompt', 'a', '--messages', 'b.json'], /Give either --prompt or --messages/],
    [[], /Give either --prompt or --messages/],
    [['--messages', 'nowhere.json'], /nowhere\.json cannot be read/],
    [['--prompt', 'a', '--adapter', 'nowhere'], /nowhere does not exist/],
    [['--prompt', 'a', '--config', 'run.yaml'], /--model and --config both name the model/],
  ])('generate %j', async (args, message) => {
    expect(await refusal('generate', '--model', join(scratch.path, 'model'), ...args)).toMatch(message);
  });

  it.each([['{}'], ['nope'], ['[{"role":"user"}]'], ['[{"role":"user","content":5}]']])('messages %s', async (text) => {
    const file = put(join(scratch.path, 'messages.json'), text);
    const message = await refusal('generate', '--model', join(scratch.path, 'model'), '--messages', file);
    expect(message).toMatch(/messages\.json is not a JSON list of \{"role", "content"\}/);
  });

  it('a text longer than the model, or of another task', async () => {
    const model = join(scratch.path, 'model');
    expect(await refusal('logits', '--model', model, '--text', 'a'.repeat(64))).toMatch(/has 65 tokens, .* takes 64/);
    expect(await refusal('logits', '--model', model, '--text', 'a', '--task-type', 'SEQ_CLS')).toMatch(
      /no head for SEQ_CLS/,
    );
  });
});

describe('estimate', () => {
  const shapes: Record<string, Record<string, unknown>> = {
    'Llama-3-8B': {
      model_type: 'llama',
      vocab_size: 128256,
      hidden_size: 4096,
      intermediate_size: 14336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      max_position_embeddings: 8192,
      torch_dtype: 'bfloat16',
    },
    'Qwen2.5-7B': {
      model_type: 'qwen2',
      vocab_size: 152064,
      hidden_size: 3584,
      intermediate_size: 18944,
      num_hidden_layers: 28,
      num_attention_heads: 28,
      num_key_value_heads: 4,
      max_position_embeddings: 32768,
      torch_dtype: 'bfloat16',
    },
    'SmolLM2-135M': {
      model_type: 'llama',
      vocab_size: 49152,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      max_position_embeddings: 8192,
      torch_dtype: 'bfloat16',
      tie_word_embeddings: true,
    },
  };
  const allLinear = { r: 16, target_modules: 'all-linear' };

  // trainable and total parameters as PEFT counts them on these models
  it.each([
    ['Llama-3-8B', {}, 3407872, 8030261248],
    ['Llama-3-8B', allLinear, 41943040, 8030261248],
    ['Llama-3-8B', { peft_type: 'IA3' }, 524288, 8030261248],
    // how many steps its cuts are spread over is not known without the rows
    ['Llama-3-8B', { peft_type: 'ADALORA' }, 5112576, 8030261248],
    ['Qwen2.5-7B', {}, 2523136, 7615616512],
    ['Qwen2.5-7B', { peft_type: 'IA3' }, 645120, 7615616512],
    ['SmolLM2-135M', allLinear, 4884480, 134515008],
  ])('%s with %j, from its config alone', async (name, fields, trainable, total) => {
    put(join(scratch.path, 'bare', 'config.json'), shapes[name] ?? {});
    const { code, stdout } = await graft(
      'estimate',
      runFile(scratch.path, { model: './bare', max_steps: 0, ...fields }),
    );
    expect(code).toBe(0);
    const { bytes, ...counts } = JSON.parse(stdout) as { bytes: Record<string, number>; total_bytes: number };
    expect(counts).toMatchObject({ trainable_parameters: trainable, all_parameters: total });
    expect(bytes['weights']).toBeGreaterThanOrEqual(2 * total);
    expect(bytes['weights']).toBeLessThan(2.1 * total);
    expect(bytes['adapters']).toBeGreaterThanOrEqual(4 * trainable);
    expect(counts.total_bytes).toBe(Object.values(bytes).reduce((sum, part) => sum + part, 0));
  });

  it('takes a model for as small as GPTQ’s own file beside its config says', async () => {
    put(join(scratch.path, 'bare', 'config.json'), shapes['SmolLM2-135M'] ?? {});
    const estimate = async () => {
      const { stdout } = await graft('estimate', runFile(scratch.path, { model: './bare' }));
      return (JSON.parse(stdout) as { bytes: Record<string, number> }).bytes['weights'] ?? NaN;
    };
    const floats = await estimate();
    put(join(scratch.path, 'bare', 'quantize_config.json'), { bits: 4, group_size: 32, desc_act: false, sym: true });
    expect(await estimate()).toBeLessThan(0.6 * floats);
  });

  it('takes the other name of the model field', async () => {
    const file = runFile(scratch.path, { model: undefined, model_name_or_path: './model' });
    expect((await graft('estimate', file)).code).toBe(0);
  });
});
