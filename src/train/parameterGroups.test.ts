import { describe, expect, it } from 'vitest';
import type { ParameterSpec } from '../peft/method.ts';
import { layOut } from '../peft/parameterSpace.ts';
import { ParameterGroups } from './parameterGroups.ts';

const late = (step: number) => (step < 3 ? 0 : 16);
const spec = (name: string, size: number, rateFactor?: ParameterSpec['rateFactor']): ParameterSpec => ({
  name,
  shape: [size],
  initial: { kind: 'constant', value: 0 },
  rateFactor,
});
const layout = layOut([spec('a', 70), spec('b', 10, late), spec('c', 65), spec('d', 1, late)], 1024);
const run = { learningRate: 1e-3, seed: 1 };

describe('ParameterGroups', () => {
  it('puts parameters that share a factor into one group, block by block, in every piece', () => {
    const groups = new ParameterGroups(layout, run, 0);
    expect(groups.count).toBe(2);
    expect(layout.pieces.flatMap((piece) => [...groups.blocks(piece)])).toEqual([0, 0, 1, 0, 0, 1]);
  });

  it('counts the updates of each group by itself, and takes up the count where a run is resumed', () => {
    const groups = new ParameterGroups(layout, run, 0);
    const [first] = [1, 2, 3, 4].map((step) => groups.rates(step));
    expect(first?.[4]).toBe(0);
    const resumed = new ParameterGroups(layout, run, 4).rates(5);
    expect(resumed).toEqual(groups.rates(5));
    [1, 1, 1 - 0.9 ** 5, 1 - 0.999 ** 5, 16, 1, 1 - 0.9 ** 3, 1 - 0.999 ** 3].forEach((value, i) =>
      expect(resumed[i]).toBeCloseTo(value, 6),
    );
    expect(() => groups.rates(9)).toThrow('does not follow');
  });
});
