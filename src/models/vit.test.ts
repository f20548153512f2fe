import { describe, expect, it } from 'vitest';
import { describeModel } from './registry.ts';
import { vit } from './vit.ts';

const description = describeModel({ model_type: 'vit', num_hidden_layers: 2 });

describe('ViT', () => {
  it.each([
    ['vit.encoder.layer.1.attention.attention.query.weight', 'vit.layers.1.attention.q_proj.weight'],
    ['vit.encoder.layer.0.attention.output.dense.bias', 'vit.layers.0.attention.o_proj.bias'],
    ['vit.encoder.layer.10.output.dense.weight', 'vit.layers.10.mlp.fc2.weight'],
    ['encoder.layer.0.layernorm_before.weight', 'vit.layers.0.layernorm_before.weight'],
    ['vit.layers.0.mlp.fc1.weight', 'vit.layers.0.mlp.fc1.weight'],
    ['embeddings.cls_token', 'vit.embeddings.cls_token'],
    ['classifier.weight', 'classifier.weight'],
  ])('reads %s as %s', (stored, today) => {
    expect(vit.tensorFromFolder?.(stored, description)).toBe(today);
  });

  it("takes an adapter of Transformers 4 under today's names, and leaves one of today as it is", () => {
    const tensor = { shape: [1], data: Float32Array.of(1) };
    const key = (module: string) => `base_model.model.vit.${module}.lora_A.weight`;
    const older = {
      config: { peft_type: 'LORA', target_modules: ['query', 'output.dense'] },
      tensors: new Map(
        ['attention.attention.query', 'attention.output.dense', 'output.dense'].map((module) => [
          key(`encoder.layer.0.${module}`),
          tensor,
        ]),
      ),
    };
    const today = description.fromOlder?.(older);
    expect([...(today?.tensors.keys() ?? [])]).toEqual(
      ['attention.q_proj', 'attention.o_proj', 'mlp.fc2'].map((module) => key(`layers.0.${module}`)),
    );
    expect(today?.config['target_modules']).toEqual(['attention.q_proj', 'attention.o_proj', 'mlp.fc2']);
    const current = {
      config: { target_modules: ['q_proj'] },
      tensors: new Map([[key('layers.0.attention.q_proj'), tensor]]),
    };
    expect(description.fromOlder?.(current)).toBe(current);
  });
});
