import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { commands } from '../../src/cli/commands.ts';
import { runCommand } from '../../src/cli/run.ts';
import { toByteAlphabet } from '../../src/tokenizer/byteAlphabet.ts';
import { writeSafetensors, type TensorData } from '../../src/formats/safetensorsWriter.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One call of the command line, in this process. */
export async function graft(...args: string[]): Promise<Outcome> {
  const { stdout, stderr } = process;
  const written = { stdout: '', stderr: '' };
  const [out, err] = [stdout.write.bind(stdout), stderr.write.bind(stderr)];
  stdout.write = (text: string | Uint8Array) => ((written.stdout += String(text)), true);
  stderr.write = (text: string | Uint8Array) => ((written.stderr += String(text)), true);
  try {
    const code = await runCommand(commands, args);
    return { code, ...written };
  } finally {
    stdout.write = out;
    stderr.write = err;
  }
}

/** The one line that a refusal ends with, without its name in front; fails where it is not one line, or was no refusal. */
export async function refusal(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await graft(...args);
  const lines = stderr.trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  if (code !== 2 || stdout !== '' || !last.startsWith('graft: '))
    throw new Error(`not refused: exit code ${code}\n${stdout}${stderr}`);
  return last.slice('graft: '.length);
}

/** A new empty folder; `remove` deletes it. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'graft-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

type Content = string | Uint8Array | Readonly<Record<string, unknown>> | readonly unknown[];

/** Writes a file and the folders around it: text and bytes as they are, all else as JSON. */
export function put(path: string, content: Content): string {
  mkdirSync(dirname(path), { recursive: true });
  const isRaw = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(path, isRaw ? content : JSON.stringify(content));
  return path;
}

export const tinyConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 260,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: false,
  eos_token_id: 256,
  dtype: 'float32',
} as const;

/** A byte-level tokenizer without merges: a byte is a token, 256 is the end of a text. */
export const tinyTokenizer = {
  added_tokens: [{ id: 256, content: '<eos>', special: true, normalized: false }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries(
      Array.from({ length: 128 }, (_, byte) => [toByteAlphabet(String.fromCharCode(byte)), byte] as const).concat(
        // the bytes from 0x80 on, which are parts of characters: taken from the characters that they begin or continue
        Array.from({ length: 128 }, (_, i) => [byteCharacter(128 + i), 128 + i] as const),
      ),
    ),
    merges: [],
  },
  decoder: { type: 'ByteLevel' },
} as const;

/** The byte alphabet's character of a byte that no text consists of alone: see GPT-2's bytes_to_unicode. */
function byteCharacter(byte: number): string {
  const printable = (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  return String.fromCharCode(printable ? byte : 0x100 + 33 + (byte - 127));
}

export interface TinyModel {
  readonly config?: Readonly<Record<string, unknown>>;
  /** null: none */
  readonly tokenizer?: Readonly<Record<string, unknown>> | null;
  readonly tokenizerConfig?: Readonly<Record<string, unknown>>;
  readonly change?: (tensors: TensorData[]) => TensorData[];
}

/** A folder with a model of a few thousand numbers. */
export function tinyModel(folder: string, { config, tokenizer, tokenizerConfig, change }: TinyModel = {}): string {
  put(join(folder, 'config.json'), { ...tinyConfig, ...config });
  const tensors = tinyTensors();
  put(join(folder, 'model.safetensors'), writeSafetensors(change ? change(tensors) : tensors));
  if (tokenizer !== null) put(join(folder, 'tokenizer.json'), tokenizer ?? tinyTokenizer);
  put(join(folder, 'tokenizer_config.json'), { eos_token: '<eos>', ...tokenizerConfig });
  return folder;
}

function tinyTensors(): TensorData[] {
  const { vocab_size: vocabulary, hidden_size: width, intermediate_size: inner } = tinyConfig;
  const shapes: [string, number[]][] = [
    ['model.embed_tokens.weight', [vocabulary, width]],
    ['model.norm.weight', [width]],
    ['lm_head.weight', [vocabulary, width]],
  ];
  for (const layer of [0, 1].map((i) => `model.layers.${i}`))
    shapes.push(
      [`${layer}.self_attn.q_proj.weight`, [width, width]],
      [`${layer}.self_attn.k_proj.weight`, [width / 2, width]],
      [`${layer}.self_attn.v_proj.weight`, [width / 2, width]],
      [`${layer}.self_attn.o_proj.weight`, [width, width]],
      [`${layer}.mlp.gate_proj.weight`, [inner, width]],
      [`${layer}.mlp.up_proj.weight`, [inner, width]],
      [`${layer}.mlp.down_proj.weight`, [width, inner]],
      [`${layer}.input_layernorm.weight`, [width]],
      [`${layer}.post_attention_layernorm.weight`, [width]],
    );
  return shapes.map(([name, shape], tensor) => ({ name, shape, data: numbers(shape, tensor) }));
}

/** Norms are one; matrices hold small numbers that differ, always the same. */
function numbers(shape: readonly number[], tensor: number): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length: count }, (_, i) =>
    shape.length === 1 ? 1 : Math.sin(i * 12.9898 + tensor * 78.233) * 0.2,
  );
}

/** A run file and its rows beside a model; `fields` change or add, and undefined takes a field out. */
export function runFile(folder: string, fields: Readonly<Record<string, unknown>> = {}): string {
  const all: Record<string, unknown> = {
    model: './model',
    dataset: './data.jsonl',
    max_length: 32,
    max_steps: 1,
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${JSON.stringify(value)}`],
  );
  return put(join(folder, 'run.yaml'), `${lines.join('\n')}\n`);
}

/** ggml's numbers of value types (gguf.md) */
const ggufTypes = { uint32: 4, float32: 6, string: 8 } as const;

export interface GgufChanges {
  readonly architecture?: string;
  /** ggml's number of the type that the tensors claim; F32 if not given */
  readonly type?: number;
  /** of the last tensor */
  readonly offset?: bigint;
  readonly tensorCount?: bigint;
  /** names of the tensors that are there; all that a model of one layer needs if not given */
  readonly tensors?: readonly string[];
  /** rope_freqs.weight, one for each pair of a head's 16 dimensions */
  readonly ropeFactors?: readonly number[];
}

/** A GGUF file of a Llama with one layer, in F32 and zeros, without a tokenizer. */
export function ggufFile(changes: GgufChanges = {}): Uint8Array {
  const { architecture = 'llama', type = 0 } = changes;
  const [width, inner, vocabulary] = [32, 64, 64];
  const bytes: number[] = [];
  const u32 = (value: number) => bytes.push(...new Uint8Array(Uint32Array.of(value).buffer));
  const u64 = (value: bigint) => bytes.push(...new Uint8Array(BigUint64Array.of(value).buffer));
  const text = (value: string) => {
    const encoded = new TextEncoder().encode(value);
    u64(BigInt(encoded.length));
    bytes.push(...encoded);
  };
  const shapes: Record<string, number[]> = {
    'token_embd.weight': [vocabulary, width],
    'output_norm.weight': [width],
    'blk.0.attn_norm.weight': [width],
    'blk.0.ffn_norm.weight': [width],
    'blk.0.attn_q.weight': [width, width],
    'blk.0.attn_k.weight': [width, width],
    'blk.0.attn_v.weight': [width, width],
    'blk.0.attn_output.weight': [width, width],
    'blk.0.ffn_gate.weight': [inner, width],
    'blk.0.ffn_up.weight': [inner, width],
    'blk.0.ffn_down.weight': [width, inner],
  };
  if (changes.ropeFactors) shapes['rope_freqs.weight'] = [changes.ropeFactors.length];
  const names = changes.tensors ?? Object.keys(shapes);
  const figures: Record<string, number> = {
    embedding_length: width,
    feed_forward_length: inner,
    block_count: 1,
    'attention.head_count': 2,
    vocab_size: vocabulary,
    context_length: 64,
  };
  bytes.push(...new TextEncoder().encode('GGUF'));
  u32(3);
  u64(changes.tensorCount ?? BigInt(names.length));
  u64(BigInt(Object.keys(figures).length + 2));
  text('general.architecture');
  u32(ggufTypes.string);
  text(architecture);
  for (const [name, value] of Object.entries(figures)) {
    text(`${architecture}.${name}`);
    u32(ggufTypes.uint32);
    u32(value);
  }
  text(`${architecture}.attention.layer_norm_rms_epsilon`);
  u32(ggufTypes.float32);
  bytes.push(...new Uint8Array(Float32Array.of(1e-5).buffer));
  let offset = 0;
  for (const [index, name] of names.entries()) {
    const shape = shapes[name] ?? [];
    text(name);
    u32(shape.length);
    for (const size of [...shape].reverse()) u64(BigInt(size));
    u32(type);
    u64(index === names.length - 1 && changes.offset !== undefined ? changes.offset : BigInt(offset));
    offset += 4 * shape.reduce((product, size) => product * size, 1);
  }
  const dataStart = Math.ceil(bytes.length / 32) * 32;
  const file = new Uint8Array(dataStart + offset);
  file.set(bytes);
  const factors = Float32Array.from(changes.ropeFactors ?? []);
  file.set(new Uint8Array(factors.buffer), file.length - factors.byteLength);
  return file;
}
