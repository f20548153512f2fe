import { describe, expect, it } from 'vitest';
import type { ParameterSpec } from './method.ts';
import { layOut, splitByParameter } from './parameterSpace.ts';

const spec = (name: string, shape: number[]): ParameterSpec => ({
  name,
  shape,
  initial: { kind: 'constant', value: 0 },
});

describe('layOut', () => {
  it('starts each parameter where a binding may, and counts the gaps as no parameters', () => {
    const layout = layOut([spec('a', [3, 5]), spec('b', [64]), spec('c', [65])], 2 ** 27);
    expect(layout.slots.map(({ offset, size }) => [offset, size])).toEqual([
      [0, 15],
      [64, 64],
      [128, 65],
    ]);
    expect(layout).toMatchObject({ size: 256, parameterCount: 144, pieces: [{ offset: 0, size: 256 }] });
  });

  it('cuts the space into pieces that a binding holds, and into one of zeros where there is no parameter', () => {
    const { pieces } = layOut([spec('a', [1000])], 1024);
    expect(pieces.map(({ size }) => size)).toEqual([256, 256, 256, 256]);
    expect(pieces.map(({ offset }) => offset)).toEqual([0, 256, 512, 768]);
    expect(layOut([], 1024)).toMatchObject({ size: 64, parameterCount: 0 });
  });

  it('is cut apart again by name', () => {
    const layout = layOut([spec('a', [2]), spec('b', [2])], 1024);
    const values = Float32Array.from({ length: layout.size }, (_, i) => i);
    expect(splitByParameter(layout, values)).toEqual(
      new Map([
        ['a', Float32Array.of(0, 1)],
        ['b', Float32Array.of(64, 65)],
      ]),
    );
  });
});
