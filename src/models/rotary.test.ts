import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inverseFrequencies, readRope, rotaryTable } from './rotary.ts';

interface Case {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly headDim: number;
  readonly frequencies: readonly number[];
  readonly positions: readonly number[];
  readonly cos: readonly (readonly number[])[];
  readonly sin: readonly (readonly number[])[];
}

const file = new URL('../../tests/fixtures/transformers/rotary.json', import.meta.url);
const cases = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Case>);

const plain = (theta: number) => ({ theta, scaling: { type: 'default' } });

describe('rotary angles', () => {
  it.each(cases)('are those of Transformers: %s', (_, given) => {
    const rope = readRope({ rope_parameters: given.parameters }, 8192);
    const ours = inverseFrequencies(rope, given.headDim);
    given.frequencies.forEach((theirs, i) => expect(Math.abs((ours[i] ?? NaN) / theirs - 1)).toBeLessThan(3e-7));
    const table = rotaryTable(rope, given.headDim, 2048);
    given.positions.forEach((position, p) =>
      given.cos[p]?.forEach((cos, i) => {
        const at = position * given.headDim + 2 * i;
        // an f32 angle of 2047 radians is known to 1e-4
        expect(Math.abs((table[at] ?? NaN) - cos)).toBeLessThan(1e-6 + position * 3e-7);
        expect(Math.abs((table[at + 1] ?? NaN) - (given.sin[p]?.[i] ?? NaN))).toBeLessThan(1e-6 + position * 3e-7);
      }),
    );
  });

  it('are read from the fields of Transformers 4 as from those of 5', () => {
    const scaling = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
    const five = readRope({ rope_parameters: { rope_type: 'llama3', rope_theta: 500000, ...scaling } }, 64);
    const four = readRope({ rope_theta: 500000, rope_scaling: { type: 'llama3', ...scaling } }, 64);
    expect(four).toEqual(five);
    expect(five.scaling).toMatchObject({ type: 'llama3', originalMaxPositionEmbeddings: 8192 });
    expect(readRope({ rope_theta: 1e6, rope_scaling: null }, 64)).toEqual(plain(1e6));
    expect(readRope({}, 64)).toEqual(plain(10000));
  });

  it('are those of rope_scaling where both are there, and of rope_parameters where it is empty', () => {
    const rope_parameters = { rope_type: 'default', rope_theta: 3e4 };
    const rope_scaling = { rope_type: 'linear', factor: 2 };
    const scaled = { theta: 7e4, scaling: { type: 'linear', factor: 2 } };
    expect(readRope({ rope_theta: 7e4, rope_parameters, rope_scaling }, 64)).toEqual(scaled);
    expect(readRope({ rope_theta: 7e4, rope_parameters, rope_scaling: {} }, 64)).toEqual(plain(3e4));
  });

  it('start from the positions of the model where llama3 does not say from how many', () => {
    const rope_scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    expect(readRope({ rope_scaling }, 64).scaling).toMatchObject({ originalMaxPositionEmbeddings: 64 });
  });

  it('divide each frequency by its own factor where a GGUF file gives them', () => {
    const plain = inverseFrequencies({ theta: 10000, scaling: { type: 'default' } }, 8);
    const scaled = inverseFrequencies({ theta: 10000, scaling: { type: 'factors', factors: [1, 2, 4, 8] } }, 8);
    expect([...scaled]).toEqual([...plain].map((frequency, i) => frequency / 2 ** i));
  });

  it('refuse a scaling that is not there, and one that lacks a number, by name', () => {
    expect(() => readRope({ rope_scaling: { rope_type: 'yarn', factor: 4 } }, 64)).toThrow(/yarn/);
    expect(() => readRope({ rope_scaling: { rope_type: 'linear' } }, 64)).toThrow(/factor/);
  });
});
