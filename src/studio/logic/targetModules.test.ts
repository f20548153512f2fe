import { describe, expect, it } from 'vitest';
import { moduleGroups, modulePresets, selectedModules } from './targetModules.ts';

const module = (name: string) => ({ name, count: 2, inFeatures: 8, outFeatures: 8 });
const llama = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'].map(module);

describe('target modules', () => {
  it('sorts the linears of the common families into attention and feed-forward', () => {
    const names = (list: string[]) => moduleGroups(list.map(module)).map(({ name, modules }) => [name, modules.length]);
    expect(moduleGroups(llama).map(({ name, modules }) => [name, modules.length])).toEqual([
      ['Attention', 4],
      ['Feed-forward', 3],
    ]);
    expect(names(['attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'])).toEqual([
      ['Attention', 2],
      ['Feed-forward', 2],
    ]);
    expect(
      names(['attention.self.query', 'attention.output.dense', 'intermediate.dense', 'output.dense', 'classifier']),
    ).toEqual([
      ['Attention', 2],
      ['Feed-forward', 2],
      ['Other', 1],
    ]);
  });

  it('offers presets that only name what is there', () => {
    expect(
      modulePresets(llama)
        .slice(0, 2)
        .map(({ label, value }) => [label, value?.length]),
    ).toEqual([
      ['Family default', undefined],
      ['Attention', 4],
    ]);
    expect(modulePresets(llama).at(-1)).toEqual({ label: 'All linear layers', value: 'all-linear' });
  });

  it("reads the run file's forms", () => {
    expect(selectedModules('all-linear', [...llama, module('lm_head')])).toHaveLength(7);
    expect(selectedModules(['q_proj'], llama)).toEqual(['q_proj']);
    expect(selectedModules(null, llama)).toEqual([]);
  });
});
