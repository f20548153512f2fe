import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { noise } from '../../tests/ops/harness.ts';
import { differentiate } from '../graph/differentiate.ts';
import { Graph } from '../graph/graph.ts';
import { interpret, neutralStep } from '../graph/interpret.ts';
import { sizeOf } from '../graph/tensor.ts';
import { describeModel } from '../models/registry.ts';
import { controlAt } from './adalora/allocation.ts';
import { fileShape, initialValues, valuesFromFile } from './initialize.ts';
import type { Adapter } from './method.ts';

const plan = { peft_type: 'ADALORA', init_r: 3, target_r: 2, total_step: 10 };
const attach = (fields: Readonly<Record<string, unknown>>): Adapter =>
  attachTo(describeModel(tinyLlama), { ...plan, ...fields });
const noRead = () => Promise.reject(new Error('nothing is read from the checkpoint'));
const source = { seed: 1, base: noRead, baseRows: noRead, tokenize: () => [] };

describe('AdaLoRA', () => {
  it('has the gradient that differences give, dropout and all', () => {
    return checkMethodGradients({ ...plan, lora_dropout: 0.3, lora_alpha: 5, target_modules: ['k_proj', 'down_proj'] });
  });

  it('has the gradient of its penalty', () => {
    const { regularizer, parameters } = attach({ orth_reg_weight: 0.7 });
    const graph = new Graph();
    const penalty = regularizer?.(graph);
    if (!penalty) throw new Error('there is a penalty');
    const one = graph.input('one', [1], 'f32');
    const forward = graph.nodes.length;
    const gradients = differentiate(graph, [{ tensor: penalty, gradient: one }]);
    const leaves = new Map(
      [...graph.leaves()].map((leaf) => [leaf, Float64Array.from(noise(sizeOf(leaf.shape), leaf.id))]),
    ).set(one, Float64Array.of(1));
    const valueOf = interpret(graph, leaves, neutralStep);
    graph.nodes.length = forward;
    const trained = parameters.filter(({ name }) => /lora_[AB]$/.test(name));
    for (const { name, shape } of trained) {
      const leaf = graph.parameter(name, shape);
      const at = (by: number) => {
        const moved = leaves.get(leaf)?.slice() ?? new Float64Array();
        moved[4] = (moved[4] ?? NaN) + by;
        return interpret(graph, new Map(leaves).set(leaf, moved), neutralStep)(penalty)[0] ?? NaN;
      };
      const gradient = gradients.get(leaf);
      expect(gradient && valueOf(gradient)[4], name).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 6);
    }
  });

  it.each([
    [{ init_r: 8, target_r: 8 }, 'init_r: AdaLoRA cuts ranks from init_r down to target_r, and 8 is not more than 8'],
    [{ tinit: 4, tfinal: 6 }, 'Give at least 11'],
    [{ total_step: 0 }, 'Give total_step or max_steps'],
    [{ rank_pattern: { 'model.layers.0.self_attn.q_proj.lora_E': [true] } }, 'which of 1 ranks are kept'],
  ])('refuses %o', (fields, message) => {
    expect(() => attach(fields)).toThrow(message);
  });

  it('takes the steps of the run where no total is given', () => {
    const given = { ...plan, total_step: 0 };
    const adapter = attachTo(describeModel(tinyLlama), given, 'CAUSAL_LM', 77);
    expect(adapter.config['total_step']).toBe(77);
  });

  it('cuts along a cubic curve, every deltaT steps, and keeps to the last cut', () => {
    const allocation = { totalStep: 20, tinit: 2, tfinal: 3, deltaT: 3, initialRanks: 24, targetRanks: 12 };
    const controls = Array.from({ length: 20 }, (_, i) => controlAt(allocation, i + 1));
    expect(controls.flatMap(({ chooses }, i) => (chooses ? [i + 1] : []))).toEqual([3, 6, 9, 12, 15, 17]);
    expect(controls[16]).toEqual({ scores: false, chooses: true, masks: true, cut: 12 });
    expect(controls[17]).toEqual({ scores: false, chooses: false, masks: true, cut: 12 });
    expect(controls[1]).toEqual({ scores: true, chooses: false, masks: false, cut: 0 });
    // (14 ÷ 15)³ · 12 + 12 = 21.75…: 21 stay
    expect(controls[2]?.cut).toBe(3);
  });

  it('writes a file without the ranks that are cut, also where none is left, and reads it again', async () => {
    const adapter = attach({ target_modules: ['q_proj', 'v_proj'] });
    const values = await initialValues(adapter, new Map(), source);
    const mask = Float32Array.of(1, 0, 1, 0, 0, 0);
    const kept = new Map(values).set('adalora.mask', mask);
    expect(adapter.ranks && [...adapter.ranks.ranksOf(mask).values()]).toEqual([2, 0]);
    const content = await adapter.toContent?.(kept, noRead);
    if (!content) throw new Error('there is a file');
    expect(content.config['rank_pattern']).toEqual({
      'model.layers.0.self_attn.q_proj.lora_E': [true, false, true],
      'model.layers.0.self_attn.v_proj.lora_E': [false, false, false],
    });
    const again = attach({ target_modules: ['q_proj', 'v_proj'], rank_pattern: content.config['rank_pattern'] });
    for (const spec of again.parameters) expect(content.tensors.get(spec.name)?.shape).toEqual(fileShape(spec));
    const key = 'base_model.model.model.layers.0.self_attn.q_proj.lora_B';
    const [whole, cut] = [values.get(key), valuesFromFile(again, content.tensors).get(key)];
    expect([...(cut ?? [])]).toEqual([...(whole ?? [])].filter((_, i) => i % 3 !== 1));
    expect(again.afterStep).toBeUndefined();
  });

  it('writes all ranks before the first cut', async () => {
    const adapter = attach({});
    const values = await initialValues(adapter, new Map(), source);
    expect((await adapter.toContent?.(values, noRead))?.config['rank_pattern']).toBeNull();
  });
});
