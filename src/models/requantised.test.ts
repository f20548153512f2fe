import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gatherQuantised } from './quantisedTensors.ts';
import { decodePacked } from '../quant/packed.ts';
import { memorySource } from '../formats/byteSource.ts';
import type { GptqSettings } from '../formats/gptq.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { entryOf, specOf } from '../formats/storedTensor.ts';
import { elementCount, readTensorBytes, type TensorEntry } from '../formats/tensorEntry.ts';

const folder = new URL('../../tests/fixtures/quant/', import.meta.url);
const gptqCases = JSON.parse(readFileSync(new URL('gptq.json', folder), 'utf8')) as Record<
  string,
  { settings: GptqSettings }
>;

/** The tensors of one module of a fixture, and how they are put together. */
async function open(file: string, name: string, settings: Readonly<Record<string, unknown>>) {
  const { tensors } = await readSafetensors(memorySource(readFileSync(new URL(file, folder)), file));
  const entries = new Map([...tensors].filter(([key]) => key.startsWith(`${name}.`)));
  const gather = async (from: ReadonlyMap<string, TensorEntry>) => {
    const { packed } = await gatherQuantised({ quantization_config: settings }, from, new Map());
    return packed.get(`${name}.weight`)!.packed;
  };
  return { entries, gather };
}

/** Values a good part of a step away from those that there are. */
function moved(values: Float32Array): Float32Array {
  const step = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length / 4;
  return values.map((value, i) => value + step * Math.sin(7 * i + 1));
}

const gptq = Object.entries(gptqCases).map(([name, { settings }]): [string, string, Record<string, unknown>] => [
  'gptq.safetensors',
  name,
  {
    quant_method: 'gptq',
    bits: settings.bits,
    group_size: settings.groupSize,
    checkpoint_format: settings.storesZeroPoints ? 'gptq_v2' : 'gptq',
  },
]);
const awq: [string, string, Record<string, unknown>] = [
  'awq.safetensors',
  'a',
  { quant_method: 'awq', bits: 4, group_size: 32 },
];
const bitsandbytes = ['nf4_small', 'fp4_small', 'nf4_nested_large', 'fp4_nested_small', 'int8_large', 'int8_small'].map(
  (name): [string, string, Record<string, unknown>] => [
    'bitsandbytes.safetensors',
    name,
    { quant_method: 'bitsandbytes' },
  ],
);

describe.each([...gptq, awq, ...bitsandbytes])('%s %s for other values', (file, name, settings) => {
  it('reads back from its rewritten tensors as what it says they make', async () => {
    const { entries, gather } = await open(file, name, settings);
    const tensor = await gather(entries);
    const before = await decodePacked(tensor);
    const { parts, tensor: made } = await tensor.requantised(moved(before));
    const after = new Map(entries);
    for (const spec of tensor.rewritten) {
      const [entry, bytes] = [entries.get(spec.name)!, parts.get(spec.name)!];
      expect(spec).toMatchObject(spec.name.includes('quant_state') ? { dtype: 'U8' } : specOf(entry));
      after.set(spec.name, { ...entryOf(entry, bytes), shape: spec.shape });
      if (spec.name.includes('quant_state')) expect(bytes.byteLength).toBe(elementCount(spec.shape));
    }
    const read = await decodePacked(await gather(after));
    expect(read).toEqual(await decodePacked(made));
    expect(read).not.toEqual(before);
  });
});

describe.each([...gptq, awq])('%s %s with its scales kept', (file, name, settings) => {
  it('keeps every bit for its own values', async () => {
    const { entries, gather } = await open(file, name, settings);
    const tensor = await gather(entries);
    const { parts } = await tensor.requantised(await decodePacked(tensor));
    expect(parts.get(`${name}.qweight`)).toEqual(await readTensorBytes(entries.get(`${name}.qweight`)!));
    expect([...parts.keys()]).toEqual([`${name}.qweight`]);
  });

  it('takes the code that comes nearest to each value', async () => {
    const { entries, gather } = await open(file, name, settings);
    const tensor = await gather(entries);
    const wanted = moved(await decodePacked(tensor));
    const chosen = await decodePacked((await tensor.requantised(wanted)).tensor);
    const qweight = entries.get(`${name}.qweight`)!;
    const bits = Number(settings['bits']);
    const distance = (values: Float32Array, i: number) => Math.abs(values[i]! - wanted[i]!);
    for (let code = 0; code < 2 ** bits; code += bits === 8 ? 17 : 1) {
      const all = await decodePacked(
        await gather(new Map([...entries, [qweight.name, everyCode(qweight, bits, code)]])),
      );
      all.forEach((_, i) => {
        if (distance(all, i) < distance(chosen, i) * (1 - 1e-6)) throw new Error(`${i}: ${code} is nearer`);
      });
    }
  });
});

/** The entry with the same code everywhere: the stream of bits repeats after `bits` words. */
function everyCode(entry: TensorEntry, bits: number, code: number): TensorEntry {
  const stream = Array.from({ length: 32 * bits }, (_, bit) => (code >> (bit % bits)) & 1);
  const words = Array.from({ length: bits }, (_, word) =>
    stream.slice(32 * word, 32 * word + 32).reduce((sum, bit, i) => sum + bit * 2 ** i, 0),
  );
  const [rows = 0, columns = 0] = entry.shape;
  const all = Uint32Array.from({ length: rows * columns }, (_, i) => words[Math.floor(i / columns) % bits]!);
  return entryOf(entry, new Uint8Array(all.buffer));
}
