import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readGguf } from '../../src/formats/gguf.ts';
import { readHfFolder } from '../../src/formats/hfFolder.ts';
import { fileSource, openPath } from '../../src/formats/nodeFiles.ts';
import { writeSafetensors } from '../../src/formats/safetensorsWriter.ts';
import { readTensorBytes, type TensorEntry } from '../../src/formats/tensorEntry.ts';
import { openCheckpoint, readDecoded } from '../../src/models/checkpoint.ts';
import { parityCase } from '../parity/cases.ts';
import { ggufFile, graft, put, refusal, scratchFolder } from './harness.ts';

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => (scratch = scratchFolder()));
afterEach(() => scratch.remove());

interface Told {
  readonly merged: number;
  readonly untied: boolean;
  readonly requantized: {
    readonly formats: readonly string[];
    readonly change_lost: number;
    readonly largest_change_lost: number;
    readonly largest_change_lost_in: string;
    readonly largest_difference: number;
  };
}

/** The adapter that a parity case ended with, as a folder. */
function trainedAdapter(name: string): { adapter: string; model: string; config: string } {
  const { folder, model, config } = parityCase(name);
  const adapter = join(scratch.path, 'adapter');
  mkdirSync(adapter, { recursive: true });
  copyFileSync(join(folder, 'init', 'adapter_config.json'), join(adapter, 'adapter_config.json'));
  for (const file of readdirSync(join(folder, 'final'))) copyFileSync(join(folder, 'final', file), join(adapter, file));
  return { adapter, model, config };
}

/** Merges it in the format of its base. */
async function merge(name: string, output = join(scratch.path, 'merged'), given?: string[]) {
  const { adapter, model } = trainedAdapter(name);
  const source = given ?? ['--model', model];
  const { code, stdout, stderr } = await graft(
    'merge',
    ...source,
    '--adapter',
    adapter,
    '--output',
    output,
    '--requantize',
  );
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^rounding back to .* as large as the adapter’s change/)]);
  return { model, output, told: JSON.parse(stdout) as Told, stderr };
}

/** Names of the tensors whose bytes are others. All else must be the same. */
async function changedTensors(before: ReadonlyMap<string, TensorEntry>, after: ReadonlyMap<string, TensorEntry>) {
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  const changed: string[] = [];
  for (const [name, entry] of before) {
    const other = after.get(name)!;
    expect([other.format, other.shape], name).toEqual([entry.format, entry.shape]);
    const [a, b] = [await readTensorBytes(entry), await readTensorBytes(other)];
    if (!Buffer.from(a).equals(b)) changed.push(name);
  }
  return changed.sort();
}

const gguf = async (path: string) => readGguf(await fileSource(path));
const folderOf = async (path: string) => (await readHfFolder(await openPath(path))).tensors;
const configOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as object;

/** A LoRA of one projection that changes next to nothing, with the head of a classifier where one is given. */
async function faintLora(model: string, head: Readonly<Record<string, readonly number[]>> = {}): Promise<string> {
  const module = 'model.layers.0.self_attn.q_proj';
  const { catalog } = await openCheckpoint(await openPath(model), 'm');
  const [rows = 0, columns = 0] = catalog.get(`${module}.weight`)?.shape ?? [];
  const shapes = {
    [`base_model.model.${module}.lora_A.weight`]: [1, columns],
    [`base_model.model.${module}.lora_B.weight`]: [rows, 1],
    ...head,
  };
  const adapter = join(scratch.path, 'faint');
  put(join(adapter, 'adapter_config.json'), {
    peft_type: 'LORA',
    r: 1,
    lora_alpha: 1,
    target_modules: ['q_proj'],
    layers_to_transform: [0],
    task_type: Object.keys(head).length > 0 ? 'SEQ_CLS' : 'CAUSAL_LM',
  });
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return { name, shape, data: new Float32Array(count).fill(1e-2) };
  });
  put(join(adapter, 'adapter_model.safetensors'), writeSafetensors(tensors));
  return adapter;
}

describe('graft merge --requantize', () => {
  it('writes a GGUF file anew with nothing changed but the adapter’s targets', async () => {
    const { model, output, told } = await merge('llama-k-gguf-lora');
    const path = join(output, basename(model));
    expect(readdirSync(output)).toEqual([basename(model)]);
    const [before, after] = [await gguf(model), await gguf(path)];
    const { dataStart } = before.layout;
    expect(readFileSync(path).subarray(0, dataStart).equals(readFileSync(model).subarray(0, dataStart))).toBe(true);
    expect(statSync(path).size).toBe(statSync(model).size);
    expect(await changedTensors(before.tensors, after.tensors)).toEqual([
      'blk.0.attn_q.weight',
      'blk.0.ffn_down.weight',
      'blk.0.ffn_gate.weight',
    ]);
    expect(told).toMatchObject({ merged: 3, requantized: { formats: expect.arrayContaining(['Q4_K', 'Q2_K']) } });
  });

  it('tells how much of the change the rounding takes, as a merge into floats shows it', async () => {
    const { model, output, told } = await merge('gpt2-gguf-lora-all-linear');
    const floats = join(scratch.path, 'floats');
    await graft('merge', '--model', model, '--adapter', join(scratch.path, 'adapter'), '--output', floats);
    const [base, merged, rounded] = await Promise.all(
      [model, floats, output].map(async (path) => openCheckpoint(await openPath(path), path)),
    );
    const norm = (a: Float32Array, b?: Float32Array) =>
      Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b?.[i] ?? 0)) ** 2, 0));
    const shares = new Map<string, number>();
    for (const name of base!.catalog.keys()) {
      const [w, m, r] = [
        await readDecoded(base!, name),
        await readDecoded(merged!, name),
        await readDecoded(rounded!, name),
      ];
      if (norm(m, w) > 1e-2 * norm(w)) shares.set(name, norm(r, m) / norm(m, w));
    }
    expect(shares.size).toBe(told.merged);
    const { largest_change_lost: largest, largest_change_lost_in: worst } = told.requantized;
    expect(Math.max(...shares.values())).toBeCloseTo(largest, 2); // F16 rounds the merged floats, too
    expect(shares.get(worst)).toBeCloseTo(largest, 2);
    expect(told.requantized.change_lost).toBeLessThan(largest);
    expect(told.requantized.largest_difference).toBeGreaterThan(0);
  });

  it('gives a GGUF file a head of its own where the adapter parts it from the embedding', async () => {
    const output = join(scratch.path, 'out', 'apart.gguf');
    const { model, told } = await merge('qwen2-gguf-lora-head', output);
    expect(told.untied).toBe(true);
    const [before, after] = [await gguf(model), await gguf(output)];
    const head = after.tensors.get('output.weight')!;
    expect(head).toMatchObject({ shape: before.tensors.get('token_embd.weight')!.shape, format: 'q4_1' });
    expect(after.metadata.all()).toEqual(before.metadata.all());
    const { description } = await openCheckpoint(await openPath(output), 'apart');
    expect(description.tieWordEmbeddings).toBe(false);
  });

  it.each([
    ['llama-gptq-lora', ['qweight']],
    ['llama-awq-lora', ['qweight']],
    ['llama-fp4-lora', ['absmax', 'nested_absmax', 'bitsandbytes__fp4', 'weight']],
  ])('writes the folder anew with the targets’ own tensors changed alone: %s', async (name, parts) => {
    const { model, output, told } = await merge(name);
    const [before, after] = [await folderOf(model), await folderOf(output)];
    const states = [...after].filter(([key]) => key.includes('.quant_state.'));
    const sameSize = new Map([...after].filter(([key]) => !key.includes('.quant_state.')));
    const named = (key: string) => parts.some((part) => key.endsWith(`.${part}`));
    const changed = await changedTensors(new Map([...before].filter(([key]) => sameSize.has(key))), sameSize);
    expect(changed.every(named)).toBe(true);
    expect(changed.filter((key) => key.endsWith(parts.at(-1)!))).toHaveLength(told.merged);
    for (const [key, entry] of states) {
      const json = JSON.parse(Buffer.from(await readTensorBytes(entry)).toString()) as object;
      const stored = JSON.parse(Buffer.from(await readTensorBytes(before.get(key)!)).toString()) as object;
      expect({ ...json, nested_offset: 0 }).toEqual({ ...stored, nested_offset: 0 });
    }
    expect(configOf(output)).toEqual(configOf(model));
    const [opened, base] = [
      await openCheckpoint(await openPath(output), 'm'),
      await openCheckpoint(await openPath(model), 'b'),
    ];
    expect(opened.catalog).toEqual(base.catalog);
  });

  it('writes what a run file quantises as bitsandbytes keeps it', async () => {
    const { config } = parityCase('llama-nf4-lora');
    const { output, told } = await merge('llama-nf4-lora', undefined, ['--config', config]);
    expect(told.requantized.formats).toEqual(['NF4, double quantised']);
    expect(configOf(output)).toMatchObject({
      quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'nf4' },
    });
    const { catalog } = await openCheckpoint(await openPath(output), 'm');
    expect(catalog.get('model.layers.1.mlp.up_proj.weight')?.format).toBe('nf4_nested');
    expect(catalog.get('model.norm.weight')?.format).toBe('bf16');
  });

  it('advises 16 bit where the adapter’s change is smaller than the rounding', async () => {
    const { model } = parityCase('llama-gptq-lora');
    const adapter = await faintLora(model);
    const output = join(scratch.path, 'merged');
    const { stderr, stdout } = await graft(
      'merge',
      '--model',
      model,
      '--adapter',
      adapter,
      '--output',
      output,
      '--requantize',
    );
    expect(stderr).toMatch(/most of what the adapter learned is lost, so merge into 16 bit instead/);
    expect((JSON.parse(stdout) as Told).requantized.change_lost).toBeCloseTo(1, 5); // every code stays
  });

  it('keeps a classifier’s new head in a folder, and refuses it in a GGUF file', async () => {
    const { adapter, model } = trainedAdapter('qwen2-lora-classes');
    const output = join(scratch.path, 'merged');
    const { code } = await graft('merge', '--model', model, '--adapter', adapter, '--output', output, '--requantize');
    expect(code).toBe(0);
    expect(configOf(output)).toMatchObject({ architectures: ['Qwen2ForSequenceClassification'], num_labels: 3 });
    const { description } = await openCheckpoint(await openPath(output), 'm');
    expect(description).toMatchObject({ task: 'SEQ_CLS', outputSize: 3, freshTensors: new Set() });
    const { model: file } = parityCase('qwen2-gguf-lora-head');
    const withHead = await faintLora(file, { 'base_model.model.score.weight': [3, 64] });
    expect(
      await refusal('merge', '--model', file, '--adapter', withHead, '--output', `${output}2`, '--requantize'),
    ).toMatch(/brings a head of its own \(score\.weight\), which a GGUF file has no place for/);
  });

  it('has no place in a GGUF file for weights that a run file quantises', async () => {
    const model = put(join(scratch.path, 'floats.gguf'), ggufFile({}));
    const adapter = await faintLora(model);
    const output = join(scratch.path, 'merged');
    for (const field of ['load_in_4bit', 'load_in_8bit']) {
      const run = put(join(scratch.path, 'run.yaml'), `model: ./floats.gguf\n${field}: true\n`);
      expect(await refusal('merge', '--config', run, '--adapter', adapter, '--output', output, '--requantize')).toBe(
        'load_in_4bit and load_in_8bit: a GGUF file has no place for bitsandbytes weights. Leave them out to keep its own format, or merge without --requantize.',
      );
    }
  });

  it('never writes over the file that it reads', async () => {
    const { adapter, model } = trainedAdapter('llama-gguf-lora');
    const own = join(scratch.path, 'models', 'own.gguf');
    mkdirSync(join(scratch.path, 'models'));
    copyFileSync(model, own);
    for (const output of [own, join(scratch.path, 'models')])
      expect(await refusal('merge', '--model', own, '--adapter', adapter, '--output', output, '--requantize')).toMatch(
        /would write over .*own\.gguf, which is read from/,
      );
    expect(readFileSync(own).equals(readFileSync(model))).toBe(true);
  });
});
