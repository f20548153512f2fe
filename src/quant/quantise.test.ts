import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eightBitTensor, fourBitTensor } from '../formats/bitsandbytes.ts';
import { memorySource } from '../formats/byteSource.ts';
import { readFloatTensor } from '../formats/floatTensors.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { decodePacked, packedPlanes } from './packed.ts';
import { quantised, quantisedFormat, type FloatRows, type Quantisation } from './quantise.ts';

const file = new URL('../../tests/fixtures/quant/bitsandbytes.safetensors', import.meta.url);
const { tensors } = await readSafetensors(memorySource(readFileSync(file), 'bitsandbytes.safetensors'));

async function floats(name: string): Promise<FloatRows> {
  const { shape, data } = await readFloatTensor(tensors.get(name)!);
  const [rows = 0, columns = 0] = shape;
  const read = (rowStart: number, rowCount: number) =>
    Promise.resolve(data.slice(rowStart * columns, (rowStart + rowCount) * columns));
  return { rows, columns, read };
}

/** What bitsandbytes made of the same floats. */
async function theirs(format: string, source: string) {
  const name = `${format}_${source}`;
  const weight = tensors.get(`${name}.weight`)!;
  if (format === 'int8') return eightBitTensor(weight, tensors.get(`${name}.SCB`)!);
  const part = (suffix: string) => tensors.get(`${name}.weight.${suffix}`);
  return fourBitTensor({
    weight,
    absmax: part('absmax')!,
    quantMap: part('quant_map')!,
    quantState: part(`quant_state.bitsandbytes__${format.slice(0, 3)}`)!,
    nestedAbsmax: part('nested_absmax'),
    nestedQuantMap: part('nested_quant_map'),
  });
}

/** The share of bytes that differ. */
function differences(ours: Uint8Array, theirs: Uint8Array): number {
  expect(ours.length).toBe(theirs.length);
  return ours.filter((byte, i) => byte !== theirs[i]).length / ours.length;
}

const cases: [Quantisation, 'small' | 'large' | 'odd'][] = [
  [{ kind: 'nf4', doubleQuant: false }, 'small'],
  [{ kind: 'fp4', doubleQuant: false }, 'small'],
  [{ kind: 'nf4', doubleQuant: true }, 'small'],
  [{ kind: 'nf4', doubleQuant: true }, 'large'],
  [{ kind: 'fp4', doubleQuant: true }, 'small'],
  [{ kind: 'nf4', doubleQuant: true }, 'odd'],
  [{ kind: 'fp4', doubleQuant: false }, 'odd'],
  [{ kind: 'int8', doubleQuant: false }, 'small'],
  [{ kind: 'int8', doubleQuant: true }, 'large'],
];

describe('quantising while loading', () => {
  it.each(cases)('gives the codes and scales of bitsandbytes: %j, %s', async (quantisation, source) => {
    const our = quantised(await floats(source), quantisation);
    const their = await theirs(quantisedFormat(quantisation), source);
    expect(our.format).toBe(their.format);
    const shards = [{ rowStart: 0, rowCount: our.rows }];
    const [[ourCodes, ourAbsmax] = []] = await packedPlanes(our, shards);
    const [[theirCodes, theirAbsmax] = []] = await packedPlanes(their, shards);
    expect(ourCodes).toEqual(theirCodes);
    expect(differences(ourAbsmax!, theirAbsmax!)).toBeLessThan(4e-3); // its kernel for the CPU searches the map roughly
    const [values, expected] = [await decodePacked(our), await decodePacked(their)];
    const scale = Math.max(...expected.map(Math.abs));
    expect(Math.max(...values.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-2 * scale);
  });

  it('takes rows of any length, whose blocks then run across them', async () => {
    const source = { ...(await floats('small')), rows: 12, columns: 40 };
    expect(quantised(source, { kind: 'nf4', doubleQuant: true })).toMatchObject({ format: 'nf4_nested_unaligned' });
    expect(quantised(source, { kind: 'int8', doubleQuant: false })).toMatchObject({ format: 'int8', columns: 40 });
  });
});
