import { describe, expect, it } from 'vitest';
import { asPeftFolder } from './adapterHubLora.ts';

const path = 'model.layers.0.self_attn.q_proj';
const vector = (...data: number[]) => ({ shape: [data.length, 1], data: Float32Array.from(data) });
const folder = (
  inner: object,
  tensors: [string, { shape: number[]; data: Float32Array }][],
  modelClass = 'LlamaForCausalLM',
) => ({
  config: {
    config: { architecture: 'lora', ...inner },
    model_class: modelClass,
    model_name: 'pear/tree',
    name: 'sweet',
  },
  tensors: new Map(tensors),
});
const a = { shape: [1, 2], data: Float32Array.of(1, 2) };
const b = vector(3, 4);
const plain = { composition_mode: 'add', r: 1, alpha: 2, dropout: 0.1, use_gating: false, vera_d: null };

describe("AdapterHub's LoRA and (IA)³", () => {
  it('are PEFT adapters under other names', () => {
    const head = { shape: [1], data: Float32Array.of(9) };
    const tensors: [string, typeof a][] = [
      [`${path}.loras.sweet.lora_A`, a],
      [`${path}.loras.sweet.lora_B`, b],
    ];
    expect(asPeftFolder(folder(plain, [...tensors, ['lm_head.weight', head]]))).toEqual({
      config: {
        peft_type: 'LORA',
        task_type: 'CAUSAL_LM',
        base_model_name_or_path: 'pear/tree',
        r: 1,
        lora_alpha: 2,
        lora_dropout: 0.1,
        target_modules: [path],
      },
      tensors: new Map([
        [`base_model.model.${path}.lora_A.weight`, a],
        [`base_model.model.${path}.lora_B.weight`, b],
      ]),
    });
    const classifier = asPeftFolder(
      folder(plain, [...tensors, ['classifier.bias', head]], 'BertForSequenceClassification'),
    );
    expect(classifier.config['task_type']).toBe('SEQ_CLS');
    expect(classifier.tensors.get('base_model.model.classifier.bias')).toBe(head);
  });

  it('have the factor of (IA)³ in the vector', () => {
    const { config, tensors } = asPeftFolder(
      folder({ composition_mode: 'scale', r: 1, alpha: 2 }, [[`${path}.loras.sweet.lora_B`, b]]),
    );
    expect(config).toMatchObject({ peft_type: 'IA3', target_modules: [path], feedforward_modules: [] });
    expect(tensors).toEqual(new Map([[`base_model.model.${path}.ia3_l`, vector(6, 8)]]));
  });

  it('are refused where PEFT has no words for them', () => {
    expect(() => asPeftFolder(folder({ ...plain, use_gating: true }, []))).toThrow('use_gating: true');
    expect(() => asPeftFolder(folder({ ...plain, vera_d: 0.1 }, []))).toThrow('vera_d: 0.1');
    const fused = folder({ ...plain, r: 2 }, [
      ['transformer.h.0.attn.c_attn.loras.sweet.lora_A', { shape: [4, 1], data: new Float32Array(4) }],
    ]);
    expect(() => asPeftFolder(fused)).toThrow('has rank 4, and r is 2');
  });
});
