import { describe, expect, it } from 'vitest';
import type { ModuleInfo } from '../../models/family.ts';
import { distributed, movedRanks } from './evaRanks.ts';
import { evaSettings } from './evaSettings.ts';

const ranks = (...paths: string[]) => new Map(paths.map((path) => [path, 2]));

describe('the ranks of EVA', () => {
  it('go to the largest shares, as many as there were', () => {
    const sources = [
      { paths: ['a'], shares: [0.5, 0.4, 0.3] },
      { paths: ['b'], shares: [0.2, 0.1, 0.05] },
    ];
    expect(Object.fromEntries(distributed(ranks('a', 'b'), sources))).toEqual({ a: 3, b: 1 });
  });

  it('leave none where others say more', () => {
    const sources = [
      { paths: ['a'], shares: [0.5, 0.4, 0.3, 0.25] },
      { paths: ['b'], shares: [0.2, 0.1] },
    ];
    expect(Object.fromEntries(distributed(ranks('a', 'b'), sources))).toEqual({ a: 4, b: 0 });
  });

  it('are highest at the first of those that read the same', () => {
    const sources = [
      { paths: ['a'], shares: [0.9, 0.1] },
      { paths: ['q', 'k'], shares: [0.5, 0.4, 0.3] },
    ];
    // 0.9 of a, 0.5 and 0.4 of both, and 0.3 of one of them
    expect(Object.fromEntries(distributed(ranks('a', 'q', 'k'), sources))).toEqual({ a: 1, q: 3, k: 2 });
  });
});

describe('the fields that say how ranks moved', () => {
  const modules = ['x.a', 'x.b', 'x.c'].map((path) => ({ path, kind: 'linear' }) as ModuleInfo);
  const fields = { r: 2, lora_alpha: 6, target_modules: ['a', 'b', 'c'], eva_config: null };
  const counts = new Map([
    ['x.a', 4],
    ['x.b', 2],
    ['x.c', 0],
  ]);

  it('keep alpha ÷ rank, and leave out what has no rank', () => {
    expect(movedRanks(fields, modules, counts, evaSettings(fields))).toMatchObject({
      rank_pattern: { 'x.a': 4 },
      alpha_pattern: { 'x.a': 12 },
      target_modules: ['x.a', 'x.b'],
    });
  });

  it('keep alpha where the scale is not adjusted, and the alphas that were given', () => {
    const given = { ...fields, alpha_pattern: { b: 9 }, eva_config: { adjust_scaling_factors: false } };
    const moved = movedRanks(given, modules, counts, evaSettings(given));
    expect(moved['alpha_pattern']).toEqual({ 'x.b': 9 });
  });
});
