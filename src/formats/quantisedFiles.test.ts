import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodePacked, packedPlanes, type PackedTensor } from '../quant/packed.ts';
import { packedFormat } from '../quant/registry.ts';
import { awqTensor } from './awq.ts';
import { eightBitTensor, fourBitTensor } from './bitsandbytes.ts';
import { memorySource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { gptqTensor, type GptqEntries, type GptqSettings } from './gptq.ts';
import { readSafetensors } from './safetensors.ts';
import type { TensorEntry } from './tensorEntry.ts';

const folder = new URL('../../tests/fixtures/quant/', import.meta.url);
const expected = <T>(name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T;

async function entriesOf(name: string): Promise<(key: string) => TensorEntry> {
  const { tensors } = await readSafetensors(memorySource(readFileSync(new URL(name, folder)), name));
  return (key) => tensors.get(key)!;
}

/** + 0: one zero, as where the fixtures are made */
const sha256 = (values: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(values.map((value) => value + 0).buffer))
    .digest('hex');

/** Decoded whole, and in shards of four rows. */
async function hashes(tensor: PackedTensor): Promise<string[]> {
  const { rows, columns, format } = tensor;
  const shards = Array.from({ length: Math.ceil(rows / 64) }, (_, i) => ({
    rowStart: 64 * i,
    rowCount: Math.min(64, rows - 64 * i),
  }));
  const parts = (await packedPlanes(tensor, shards)).map((planes, i) =>
    packedFormat(format).decode(planes, shards[i]!.rowCount, columns),
  );
  const joined = new Float32Array(rows * columns);
  parts.forEach((part, i) => joined.set(part, shards[i]!.rowStart * columns));
  return [sha256(await decodePacked(tensor)), sha256(joined)];
}

describe('bitsandbytes', () => {
  const cases = expected<Record<string, { sha256: string }>>('bitsandbytes.json');
  const fourBit = Object.keys(cases).filter((name) => !name.startsWith('int8'));

  async function fourBitEntries(name: string) {
    const entry = await entriesOf('bitsandbytes.safetensors');
    const part = (suffix: string) => entry(`${name}.weight.${suffix}`);
    return {
      weight: entry(`${name}.weight`),
      absmax: part('absmax'),
      quantMap: part('quant_map'),
      quantState: part(`quant_state.bitsandbytes__${name.slice(0, 3)}`),
      nestedAbsmax: part('nested_absmax'),
      nestedQuantMap: part('nested_quant_map'),
    };
  }

  it.each(fourBit)('%s decodes to the very bits of its own decoder', async (name) => {
    const tensor = await fourBitTensor(await fourBitEntries(name));
    const hash = cases[name]!.sha256;
    expect(await hashes(tensor)).toEqual([hash, hash]);
  });

  it.each(['int8_large', 'int8_small'])('%s decodes to the very bits of its own decoder', async (name) => {
    const entry = await entriesOf('bitsandbytes.safetensors');
    const hash = cases[name]!.sha256;
    expect(await hashes(eightBitTensor(entry(`${name}.weight`), entry(`${name}.SCB`)))).toEqual([hash, hash]);
  });

  it('refuses nested scales without their tables, and tables of another size', async () => {
    const entries = await fourBitEntries('nf4_nested_small');
    await expect(fourBitTensor({ ...entries, nestedAbsmax: undefined })).rejects.toThrow(/nested_absmax .* is missing/);
    await expect(fourBitTensor({ ...entries, absmax: entries.quantMap })).rejects.toThrow(/quant_map has 64 bytes/);
    await expect(fourBitTensor({ ...entries, quantMap: entries.absmax })).rejects.toThrow(
      /absmax is not the table of nf4/,
    );
  });

  it('refuses a quant_state that is not JSON, and scales that are not finite', async () => {
    const entries = await fourBitEntries('nf4_nested_small');
    const damaged = (entry: TensorEntry, bytes: Uint8Array) => ({
      ...entry,
      source: memorySource(bytes, 'x'),
      byteOffset: 0,
      byteLength: bytes.length,
    });
    await expect(
      fourBitTensor({ ...entries, quantState: damaged(entries.quantState, new Uint8Array(9)) }),
    ).rejects.toThrow(/is not valid JSON/);
    const infinite = (entry: TensorEntry) =>
      damaged(entry, new Uint8Array(new Float32Array(entry.byteLength / 4).fill(Infinity).buffer));
    const nested = await fourBitTensor({ ...entries, nestedAbsmax: infinite(entries.nestedAbsmax) });
    await expect(decodePacked(nested)).rejects.toThrow(/nested_absmax has a scale that is not finite/);
    const plain = await fourBitEntries('nf4_small');
    const tensor = await fourBitTensor({ ...plain, absmax: infinite(plain.absmax) });
    await expect(decodePacked(tensor)).rejects.toThrow(UserError);
    const entry = await entriesOf('bitsandbytes.safetensors');
    const rows = eightBitTensor(entry('int8_small.weight'), infinite(entry('int8_small.SCB')));
    await expect(decodePacked(rows)).rejects.toThrow(/SCB has a scale that is not finite/);
  });
});

describe('GPTQ', () => {
  const cases = expected<Record<string, { settings: GptqSettings; sha256: string }>>('gptq.json');

  async function gptqEntries(name: string): Promise<GptqEntries & { gIdx: TensorEntry }> {
    const entry = await entriesOf('gptq.safetensors');
    const part = (suffix: string) => entry(`${name}.${suffix}`);
    return { qweight: part('qweight'), qzeros: part('qzeros'), scales: part('scales'), gIdx: part('g_idx') };
  }

  it.each(Object.keys(cases))('%s decodes to scale · (code − zero point)', async (name) => {
    const { settings, sha256: hash } = cases[name]!;
    const tensor = await gptqTensor(await gptqEntries(name), settings);
    expect(await hashes(tensor)).toEqual([hash, hash]);
    expect(tensor.format).toMatch(/_(act|odd)/.test(name) ? /_x/ : /_g/);
  });

  it('needs no g_idx where groups are consecutive', async () => {
    const { settings, sha256: hash } = cases['b4']!;
    const tensor = await gptqTensor({ ...(await gptqEntries('b4')), gIdx: undefined }, settings);
    expect(sha256(await decodePacked(tensor))).toBe(hash);
  });

  it('refuses groups that do not exist, and tensors that do not fit the config', async () => {
    const entries = await gptqEntries('b4');
    const { settings } = cases['b4']!;
    const wrongGroups = { ...entries.gIdx, source: memorySource(new Uint8Array(4 * 96).fill(1), 'x'), byteOffset: 0 };
    await expect(gptqTensor({ ...entries, gIdx: wrongGroups }, settings)).rejects.toThrow(
      /puts input 0 into group 16843009, but there are 3 groups/,
    );
    await expect(gptqTensor(entries, { ...settings, groupSize: 48 })).rejects.toThrow(
      /b4\.qzeros is I32 \[3, 4\], but I32 \[2, 4\] belongs there/,
    );
    await expect(gptqTensor(entries, { ...settings, bits: 8 })).rejects.toThrow(UserError);
  });
});

describe('AWQ', () => {
  const { groupSize, sha256: hash } = expected<{ groupSize: number; sha256: string }>('awq.json');

  it('decodes to scale · (code − zero point)', async () => {
    const entry = await entriesOf('awq.safetensors');
    const tensor = awqTensor(
      { qweight: entry('a.qweight'), qzeros: entry('a.qzeros'), scales: entry('a.scales') },
      groupSize,
    );
    expect(await hashes(tensor)).toEqual([hash, hash]);
  });
});
