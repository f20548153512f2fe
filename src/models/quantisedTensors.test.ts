import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import type { TensorEntry } from '../formats/tensorEntry.ts';
import { gatherQuantised } from './quantisedTensors.ts';

const folder = new URL('../../tests/fixtures/quant/', import.meta.url);

/** The tensors of one module of a fixture. */
async function module(file: string, name: string): Promise<Map<string, TensorEntry>> {
  const { tensors } = await readSafetensors(memorySource(readFileSync(new URL(file, folder)), file));
  return new Map([...tensors].filter(([key]) => key.startsWith(`${name}.`)));
}

const gptq = { quant_method: 'gptq', bits: 4, group_size: 32 };
const awq = { quant_method: 'awq', bits: 4, group_size: 32, version: 'GEMM' };
const bitsandbytes = { quant_method: 'bitsandbytes', load_in_4bit: true };

describe('the tensors of a quantised checkpoint', () => {
  it.each([
    ['gptq.safetensors', 'b4', gptq, 'int4_g32'],
    ['gptq.safetensors', 'b4_act', gptq, 'int4_x32'],
    ['awq.safetensors', 'a', awq, 'int4_g32'],
    ['bitsandbytes.safetensors', 'nf4_nested_small', bitsandbytes, 'nf4_nested'],
    ['bitsandbytes.safetensors', 'fp4_small', bitsandbytes, 'fp4'],
    ['bitsandbytes.safetensors', 'int8_small', bitsandbytes, 'int8'],
  ])('%s %s stand for one weight, and none is left over', async (file, name, settings, format) => {
    const { packed, others } = await gatherQuantised({ quantization_config: settings }, await module(file, name));
    expect([...packed.keys()]).toEqual([`${name}.weight`]);
    expect(packed.get(`${name}.weight`)?.packed.format).toBe(format);
    expect([...others.keys()]).toEqual([]);
  });

  it('stand for themselves without a quantization_config', async () => {
    const entries = await module('gptq.safetensors', 'b4');
    expect((await gatherQuantised({ quantization_config: null }, entries)).others).toBe(entries);
  });

  it.each([
    ['gptq.safetensors', 'b4', gptq, 'b4.scales'],
    ['awq.safetensors', 'a', awq, 'a.qzeros'],
    ['bitsandbytes.safetensors', 'nf4_small', bitsandbytes, 'nf4_small.weight.absmax'],
    ['bitsandbytes.safetensors', 'nf4_small', bitsandbytes, 'nf4_small.weight.quant_state.bitsandbytes__nf4'],
    ['bitsandbytes.safetensors', 'int8_small', bitsandbytes, 'int8_small.SCB'],
  ])('%s %s are refused where one is missing', async (file, name, settings, part) => {
    const entries = await module(file, name);
    entries.delete(part);
    const gathering = gatherQuantised({ quantization_config: settings }, entries);
    await expect(gathering).rejects.toThrow(UserError);
    await expect(gathering).rejects.toThrow(`is quantised, but ${part} is missing`);
  });

  it.each([
    [{ quant_method: 'hqq' }, /quantised by "hqq".* It reads bitsandbytes, gptq, awq, and GGUF/],
    [{ ...gptq, bits: 5 }, /quantization_config\.bits is 5.*2, 3, 4 and 8 bits/],
    [{ ...gptq, group_size: undefined }, /group_size/],
    [{ ...gptq, checkpoint_format: 'marlin' }, /checkpoint_format is "marlin".*gptq and gptq_v2/],
    [{ ...gptq, dynamic: { 'x.*': { bits: 8 } } }, /dynamic/],
  ])('are refused by a setting that is not read: %j', async (settings, message) => {
    const entries = await module('gptq.safetensors', 'b4');
    await expect(gatherQuantised({ quantization_config: settings }, entries)).rejects.toThrow(message);
  });

  it('AWQ is read in the version gemm alone', async () => {
    const settings = { ...awq, version: 'gemv' };
    const gathering = gatherQuantised({ quantization_config: settings }, await module('awq.safetensors', 'a'));
    await expect(gathering).rejects.toThrow(/version is "gemv".*gemm/);
  });
});
