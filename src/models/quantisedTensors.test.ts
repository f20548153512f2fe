import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource, type ByteSource } from '../formats/byteSource.ts';
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

const noFiles = new Map<string, ByteSource>();
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
    const { packed, others } = await gatherQuantised(
      { quantization_config: settings },
      await module(file, name),
      noFiles,
    );
    expect([...packed.keys()]).toEqual([`${name}.weight`]);
    expect(packed.get(`${name}.weight`)?.packed.format).toBe(format);
    expect([...others.keys()]).toEqual([]);
  });

  it('are bitsandbytes’ where the config says no more than load_in_4bit', async () => {
    const entries = await module('bitsandbytes.safetensors', 'nf4_small');
    const { packed } = await gatherQuantised({ quantization_config: { load_in_4bit: true } }, entries, noFiles);
    expect([...packed.keys()]).toEqual(['nf4_small.weight']);
  });

  it('stand for themselves without a quantization_config, unless they are codes', async () => {
    const entries = new Map([...(await module('gptq.safetensors', 'b4'))].filter(([name]) => name === 'b4.scales'));
    expect((await gatherQuantised({ quantization_config: null }, entries, noFiles)).others).toBe(entries);
    const codes = gatherQuantised({}, await module('gptq.safetensors', 'b4'), noFiles);
    await expect(codes).rejects.toThrow(/b4\.qweight is quantised by GPTQ or AWQ, but neither config\.json/);
  });

  it.each([
    ['quantize_config.json', { bits: 4, group_size: 32, desc_act: false, sym: true }, 'gptq.safetensors', 'b4'],
    ['quant_config.json', { zero_point: true, q_group_size: 32, w_bit: 4, version: 'GEMM' }, 'awq.safetensors', 'a'],
  ])('are read by the settings in %s, as older folders have them', async (file, settings, weights, name) => {
    const files = new Map([[file, memorySource(new TextEncoder().encode(JSON.stringify(settings)), file)]]);
    const { packed } = await gatherQuantised({ model_type: 'llama' }, await module(weights, name), files);
    expect(packed.get(`${name}.weight`)?.packed.format).toBe('int4_g32');
    const broken = new Map([[file, memorySource(new TextEncoder().encode('{"bits": 4}'), file)]]);
    await expect(gatherQuantised({}, await module(weights, name), broken)).rejects.toThrow(
      `${file} has no group_size, without which the weights cannot be read`,
    );
  });

  it('have settings of their own where a pattern of GPTQModel matches their module, the first that does', async () => {
    const names = ['b4', 'b8', 'b3', 'b2_act', 'b4_odd'];
    const entries = new Map(
      (await Promise.all(names.map((name) => module('gptq.safetensors', name)))).flatMap((all) => [...all]),
    );
    const kept = (await module('gptq.safetensors', 'b8_act')).get('b8_act.scales')!;
    entries.set('float.weight', { ...kept, name: 'float.weight' });
    const dynamic = {
      '-:float': {},
      '+:b8$': { bits: 8, group_size: 64 },
      'b[83]': { bits: 3 },
      '.*_act$': { bits: 2, group_size: 48, desc_act: true },
      '4_odd': { bits: 8 }, // matches, but not from the beginning
      '+:b4_odd': { group_size: 16 },
    };
    const { packed, others } = await gatherQuantised({ quantization_config: { ...gptq, dynamic } }, entries, noFiles);
    expect([...packed].map(([name, { packed: tensor }]) => [name, tensor.format])).toEqual([
      ['b4.weight', 'int4_g32'],
      ['b8.weight', 'int8_g64'],
      ['b3.weight', 'int3_g32'],
      ['b2_act.weight', 'int2_x48'],
      ['b4_odd.weight', 'int4_x16'],
    ]);
    expect([...others.keys()]).toEqual(['float.weight']);
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
    const gathering = gatherQuantised({ quantization_config: settings }, entries, noFiles);
    await expect(gathering).rejects.toThrow(UserError);
    await expect(gathering).rejects.toThrow(`is quantised, but ${part} is missing`);
  });

  it.each([
    [{ bits: 4, group_size: 32 }, /quantization_config has no quant_method, without which/],
    [{ quant_method: 'hqq' }, /quantised by "hqq".* It reads bitsandbytes, gptq, awq, and GGUF/],
    [{ ...gptq, bits: 5 }, /quantization_config\.bits is 5.*2, 3, 4 and 8 bits/],
    [{ ...gptq, group_size: undefined }, /group_size/],
    [{ ...gptq, checkpoint_format: 'marlin' }, /checkpoint_format is "marlin".*gptq and gptq_v2/],
    [{ ...gptq, dynamic: { 'b4(?i)': { bits: 8 } } }, /dynamic has the pattern "b4\(\?i\)".*regular expression/],
    [{ ...gptq, dynamic: { b4: { bits: 6 } } }, /bits is 6/],
  ])('are refused by a setting that is not read: %j', async (settings, message) => {
    const entries = await module('gptq.safetensors', 'b4');
    await expect(gatherQuantised({ quantization_config: settings }, entries, noFiles)).rejects.toThrow(message);
  });

  it('AWQ is read in the version gemm alone', async () => {
    const settings = { ...awq, version: 'gemv' };
    const gathering = gatherQuantised({ quantization_config: settings }, await module('awq.safetensors', 'a'), noFiles);
    await expect(gathering).rejects.toThrow(/version is "gemv".*gemm/);
  });
});
