import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/formats/safetensorsWriter.ts';
import { graft, put, refusal, runFile, scratchFolder, tinyModel, type Outcome, type TinyModel } from './harness.ts';

let scratch: ReturnType<typeof scratchFolder>;
let output: string;

beforeEach(() => {
  scratch = scratchFolder();
  output = join(scratch.path, 'out');
  tinyModel(join(scratch.path, 'model'));
  put(join(scratch.path, 'data.jsonl'), '{"text":"hello"}\n{"text":"world"}\n');
});
afterEach(() => scratch.remove());

const train = (fields: Record<string, unknown> = {}): Promise<Outcome> =>
  graft('train', runFile(scratch.path, fields), '--output', output);

const figures = ({ stdout }: Outcome) => JSON.parse(stdout) as Record<string, unknown>;

describe('train', () => {
  it('goes on without the rows that are broken, and names their lines', async () => {
    const rows = ['{"text":"hello"}', '{broken', '{"text":"world"}', '{"text":""}', '[1]'];
    put(join(scratch.path, 'data.jsonl'), `\ufeff${rows.join('\r\n')}\r\n`);
    const outcome = await train();
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toMatch(/data\.jsonl, line 2: left out; is not valid JSON/);
    expect(outcome.stderr).toMatch(/line 4: left out; has an empty text/);
    expect(outcome.stderr).toMatch(/line 5: left out; is not an object/);
    expect(outcome.stderr).toMatch(/2 rows, 12 tokens, 10 learned, 0 cut/);
    expect(readdirSync(output).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'trainer_state.json',
    ]);
  });

  it('reads cells with quotes and line ends', async () => {
    put(join(scratch.path, 'data.csv'), '\ufeffprompt,completion\r\n"a ""q"", b","1\n2"\r\nx,y,z\r\nc,d\r\n');
    const { stderr } = await train({ dataset: './data.csv' });
    expect(stderr).toMatch(/data\.csv, row 2: left out; .* more cells than the header/);
    // a "q", b1\n2 is 11 bytes, cd is 2, each with the end of text; learned are 1\n2, d and the two ends
    expect(stderr).toMatch(/2 rows, 15 tokens, 6 learned/);
  });

  it('stops at Ctrl-C and keeps what it has learned', async () => {
    const { write } = process.stderr;
    const running = train({ max_steps: 200, logging_steps: 1 });
    const listening = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text: string | Uint8Array) => {
      if (String(text).startsWith('step 3:')) process.emit('SIGINT');
      return listening(text);
    };
    const outcome = await running;
    process.stderr.write = write;
    expect(outcome.code).toBe(0);
    const { outcome: ended, steps } = figures(outcome);
    expect(ended).toBe('stopped');
    expect(steps).toBeGreaterThanOrEqual(3);
    expect(steps).toBeLessThan(200);
    expect(outcome.stderr).toMatch(/stopped after step \d+ of 200; the adapter as it then was is in/);
    const state = JSON.parse(readFileSync(join(output, 'trainer_state.json'), 'utf8')) as { global_step: number };
    expect(state.global_step).toBe(steps);
    expect((await graft('eval', runFile(scratch.path), '--adapter', output)).code).toBe(0);
  });

  it('ends at a loss that is not finite, with nothing written', async () => {
    tinyModel(join(scratch.path, 'model'), {
      change: (all) =>
        all.map((t) =>
          t.name === 'model.norm.weight' ? { ...t, data: new Float32Array(16).fill(NaN) } : t,
        ) as typeof all,
    });
    const { code, stdout, stderr } = await train({ max_steps: 3 });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/graft: The loss of step 1 is not a finite number.* Nothing was written to /);
    expect(existsSync(output)).toBe(false);
  });

  it('writes an adapter every save_steps, which trains on from there', async () => {
    expect((await train({ max_steps: 4, save_steps: 2 })).code).toBe(0);
    expect(
      readdirSync(output)
        .filter((name) => name.startsWith('checkpoint'))
        .sort(),
    ).toEqual(['checkpoint-2', 'checkpoint-4']);
    const file = (folder: string) => readFileSync(join(output, folder, 'adapter_model.safetensors'));
    expect(file('checkpoint-4').equals(file('.'))).toBe(true);
    expect(file('checkpoint-2').equals(file('.'))).toBe(false);
    expect((await train({ init_adapter: './out/checkpoint-2', max_steps: 1 })).code).toBe(0);
  });

  it('is not disturbed by padding beyond the positions of the model', async () => {
    put(join(scratch.path, 'data.jsonl'), `{"text":"${'abcdefgh'.repeat(8)}"}\n`);
    const losses: unknown[] = [];
    for (const positions of [40, 64]) {
      tinyModel(join(scratch.path, 'model'), { config: { max_position_embeddings: positions } });
      losses.push(figures(await graft('eval', runFile(scratch.path, { max_length: 40 })))['eval_loss']);
    }
    expect(losses[0]).toBe(losses[1]);
  });
});

describe('generate', () => {
  it('stops after max-new-tokens, and where the positions end', async () => {
    const model = join(scratch.path, 'model');
    const reply = async (...args: string[]) =>
      (await graft('generate', '--model', model, '--prompt', 'abc', ...args)).stdout;
    const short = await reply('--max-new-tokens', '5');
    const long = await reply('--max-new-tokens', '1000');
    expect(long.startsWith(short.slice(0, 3))).toBe(true);
    expect(new TextEncoder().encode(long).length).toBeGreaterThan(new TextEncoder().encode(short).length);
  });
});

describe('merge', () => {
  const withoutHead: TinyModel = {
    config: { tie_word_embeddings: true },
    change: (all) => all.filter(({ name }) => name !== 'lm_head.weight'),
  };
  const withBiases: TinyModel = {
    config: { attention_bias: true },
    change: (all) => [
      ...all,
      ...all.flatMap(({ name, shape }) =>
        name.includes('self_attn')
          ? [
              {
                name: name.replace('.weight', '.bias'),
                shape: [shape[0] ?? 0],
                data: new Float32Array(shape[0] ?? 0).fill(0.1),
              },
            ]
          : [],
      ),
    ],
  };
  const logits = async (...args: string[]): Promise<number[]> => {
    const outcome = await graft('logits', ...args, '--text', 'hello');
    expect(outcome.stderr).not.toMatch(/^graft: /m);
    return figures(outcome)['logits'] as number[];
  };
  const distance = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? NaN))));

  it.each<[string, TinyModel, Record<string, unknown>, boolean]>([
    ['all linears', {}, { target_modules: 'all-linear', use_rslora: true }, false],
    ['embedding and head', {}, { target_modules: ['embed_tokens', 'lm_head'] }, false],
    ['the head that was the embedding', withoutHead, { target_modules: ['lm_head', 'q_proj'] }, true],
    ['the embedding that was the head', withoutHead, { target_modules: ['embed_tokens'] }, true],
    ['a head trained whole', withoutHead, { target_modules: ['q_proj'], modules_to_save: ['lm_head'] }, true],
    ['biases', withBiases, { target_modules: ['q_proj', 'o_proj'], lora_bias: true }, false],
    ['(IA)³', withBiases, { peft_type: 'IA3' }, false],
  ])('of %s gives what base and adapter give together', async (_, model, fields, untied) => {
    const base = tinyModel(join(scratch.path, 'model'), model);
    expect((await train({ max_steps: 4, learning_rate: 0.05, ...fields })).code).toBe(0);
    const merged = join(scratch.path, 'merged');
    const outcome = await graft('merge', '--model', base, '--adapter', output, '--output', merged);
    expect(outcome.stderr).toBe(
      untied ? 'the head has weights of its own now: the adapter changes it or the embedding, which were one\n' : '',
    );
    expect(figures(outcome)).toMatchObject({ untied, tokenizer: true });
    const together = await logits('--model', base, '--adapter', output);
    expect(distance(together, await logits('--model', base))).toBeGreaterThan(1e-3);
    expect(distance(together, await logits('--model', merged))).toBeLessThan(1e-5);
    const config = JSON.parse(readFileSync(join(merged, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['tie_word_embeddings']).toBe(false);
    expect(readdirSync(merged).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('of the head of a T5 that was the embedding scales as before', async () => {
    const base = join(scratch.path, 't5');
    cpSync(new URL('../fixtures/parity/models/t5', import.meta.url), base, { recursive: true });
    const config = JSON.parse(readFileSync(join(base, 'config.json'), 'utf8')) as Record<string, unknown>;
    put(join(base, 'config.json'), { ...config, scale_decoder_outputs: undefined });
    put(join(scratch.path, 'data.jsonl'), '{"prompt":"hello","completion":"world"}\n');
    const fields = { model: './t5', task_type: 'SEQ_2_SEQ_LM', target_modules: ['lm_head'] };
    expect((await train({ max_steps: 2, learning_rate: 0.05, ...fields })).code).toBe(0);
    const together = await logits('--model', base, '--adapter', output);
    for (const [name, ...flags] of [['floats'], ['format', '--requantize']] as const) {
      const merged = join(scratch.path, name);
      expect((await graft('merge', '--model', base, '--adapter', output, '--output', merged, ...flags)).code).toBe(0);
      expect(distance(together, await logits('--model', merged))).toBeLessThan(1e-5);
    }
  });

  it('refuses what cannot be merged, and never its own source', async () => {
    const base = join(scratch.path, 'model');
    expect((await train({ lora_bias: true, max_steps: 2 })).code).toBe(0);
    const merged = join(scratch.path, 'merged');
    expect(await refusal('merge', '--model', base, '--adapter', output, '--output', merged)).toMatch(
      /a bias for model\.layers\.0\.self_attn\.q_proj \(lora_bias\), and that layer has none/,
    );
    expect(existsSync(merged)).toBe(false);
    expect((await train({ max_steps: 1 })).code).toBe(0);
    const before = readFileSync(join(base, 'model.safetensors'));
    expect(await refusal('merge', '--model', base, '--adapter', output, '--output', base)).toMatch(/is read from/);
    expect(readFileSync(join(base, 'model.safetensors')).equals(before)).toBe(true);
  });

  it('refuses numbers that the type cannot hold, and leaves no part of a file', async () => {
    const key = 'base_model.model.model.layers.0.self_attn.q_proj.lora_';
    put(join(output, 'adapter_config.json'), { peft_type: 'LORA', r: 1, target_modules: '.*0.self_attn.q_proj' });
    const tensors = [
      { name: `${key}A.weight`, shape: [1, 16], data: new Float32Array(16).fill(1e20) },
      { name: `${key}B.weight`, shape: [16, 1], data: new Float32Array(16).fill(1e20) },
    ];
    put(join(output, 'adapter_model.safetensors'), writeSafetensors(tensors));
    const merged = join(scratch.path, 'merged');
    const base = join(scratch.path, 'model');
    expect(await refusal('merge', '--model', base, '--adapter', output, '--output', merged)).toMatch(
      /q_proj\.weight would hold numbers that F32 cannot/,
    );
    expect(existsSync(merged)).toBe(false);
  });
});
