import { describe, expect, it } from 'vitest';
import type { AdapterSummary } from '../../engine/api.ts';
import { blendable, blendOptions, usualBlend } from './blending.ts';

function adapter(id: string, baseModel: string, peftType = 'LORA'): AdapterSummary {
  return { id, name: id, peftType, baseModel, bytes: 1, parameters: 1, createdAt: 1 };
}

describe('blendable', () => {
  it('groups LoRA adapters by base, and leaves out those that have no other', () => {
    const all = [adapter('a', 'x'), adapter('b', 'y'), adapter('c', 'x'), adapter('d', 'y', 'IA3')];
    expect(blendable(all).map(({ base, adapters }) => [base, adapters.map(({ id }) => id)])).toEqual([
      ['x', ['a', 'c']],
    ]);
  });
});

describe('blendOptions', () => {
  const cat = { name: 'cat', help: '', rank: 'sum', needsDensity: false, electsSign: false, isRandom: false } as const;

  it('says nothing of what the combination does not ask for', () => {
    expect(blendOptions(cat, { ...usualBlend, svdRank: 8 })).toEqual({ combination: 'cat' });
  });

  it('passes on what it does', () => {
    const dare = {
      ...cat,
      name: 'dare_ties_svd',
      rank: 'chosen',
      needsDensity: true,
      electsSign: true,
      isRandom: true,
    } as const;
    expect(blendOptions(dare, { ...usualBlend, svdRank: 8, name: ' mine ' })).toEqual({
      combination: 'dare_ties_svd',
      density: 0.5,
      majoritySignMethod: 'total',
      svdRank: 8,
      seed: 42,
      name: 'mine',
    });
  });
});
