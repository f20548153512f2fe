import { describe, expect, it } from 'vitest';
import { describeRun, withinPositions } from './runFields.ts';

describe('the fields of a run', () => {
  it('have the method’s own learning rate and PEFT’s defaults where nothing is given', () => {
    const lora = describeRun({});
    expect(lora.fields).toMatchObject({ peft_type: 'LORA', r: 8, lora_alpha: 8, learning_rate: 2e-4, bias: 'none' });
    expect(describeRun({ peft_type: 'ia3' }).training.learningRate).toBe(3e-3);
    expect(describeRun({ peft_type: 'IA3', learning_rate: 1e-2 }).training.learningRate).toBe(1e-2);
  });

  it('are known by the names that other programs give them', () => {
    const { fields, training, maxLength } = describeRun({
      ...{ per_device_train_batch_size: 4, lora_rank: 16, lora_target: ['q_proj'], cutoff_len: 64 },
      ...{ tuner_type: 'lora', val_size: 0.1, use_gradient_checkpointing: true },
    });
    expect(fields).toMatchObject({ batch_size: 4, r: 16, target_modules: ['q_proj'], val_split_ratio: 0.1 });
    expect(training).toMatchObject({ batchSize: 4, gradientCheckpointing: true });
    expect(maxLength).toBe(64);
    expect(() => describeRun({ batch_size: 2, per_device_train_batch_size: 4 })).toThrow(/mean the same/);
  });

  it('suggest the nearest name for one that is not there', () => {
    expect(() => describeRun({ learning_rat: 1e-3 })).toThrow('did you mean learning_rate?');
    expect(() => describeRun({ peft_type: 'IA3', r: 8 })).toThrow(/^r is not a field of a run/);
    expect(() => describeRun({ peft_type: 'LORRA' })).toThrow('Did you mean LORA?');
  });

  it.each([[{ packing: true }, /packing/]])('refuse what Graft does not have: %o', (fields, message) => {
    expect(() => describeRun(fields)).toThrow(message);
  });

  it('take such a field where it is switched off', () => {
    expect(describeRun({ packing: false }).training.batchSize).toBe(1);
  });

  it("take PEFT's word for what the model tells by itself", () => {
    expect(describeRun({ fan_in_fan_out: true }).methodFields).not.toHaveProperty('fan_in_fan_out');
  });

  it('say how the model is quantised while it is loaded, with bitsandbytes’ defaults', () => {
    const off = { load_in_4bit: false, bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true };
    expect(describeRun(off).quantisation).toBeUndefined();
    const fp4 = { kind: 'fp4', doubleQuant: false, embeddings: false };
    expect(describeRun({ load_in_4bit: true }).quantisation).toEqual(fp4);
    expect(describeRun({ ...off, load_in_4bit: true }).quantisation).toEqual({
      ...fp4,
      kind: 'nf4',
      doubleQuant: true,
    });
    const eight = { load_in_8bit: true, load_embeddings_in_8bit: true };
    expect(describeRun(eight).quantisation).toEqual({ kind: 'int8', doubleQuant: false, embeddings: true });
    expect(() => describeRun({ load_in_4bit: true, load_in_8bit: true })).toThrow(/exclude each other/);
    expect(() => describeRun({ load_embeddings_in_8bit: true })).toThrow(/goes with load_in_4bit/);
    expect(() => describeRun({ load_in_4bit: true, bnb_4bit_quant_type: 'nf3' })).toThrow(/bnb_4bit_quant_type: "nf3"/);
  });

  it.each([
    [{ batch_size: 0 }, /batch_size: 0 does not work; it must be a whole number/],
    [{ r: 2.5 }, /r: 2.5/],
    [{ lora_dropout: 1 }, /lora_dropout: 1/],
    [{ lr_scheduler_type: 'wave' }, /lr_scheduler_type: "wave".*linear, cosine/],
    [{ lr_scheduler_type: true }, /lr_scheduler_type: true/],
    [{ shuffle: 'yes' }, /shuffle: "yes".*true or false/],
    [{ target_modules: 7 }, /target_modules: 7/],
  ])('refuse a value by its field: %o', (fields, message) => {
    expect(() => describeRun(fields)).toThrow(message);
  });

  it('come from the adapter that is continued, and may repeat it but not contradict it', () => {
    const config = { peft_type: 'LORA', r: 4, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'], revision: null };
    expect(describeRun({ max_steps: 3 }, config).methodFields).toMatchObject({ r: 4, lora_alpha: 16 });
    expect(describeRun({ r: 4, target_modules: ['v_proj', 'q_proj'] }, config).methodFields['r']).toBe(4);
    expect(() => describeRun({ r: 8 }, config)).toThrow(/r: 8 disagrees with the adapter/);
    expect(() => describeRun({ peft_type: 'IA3' }, config)).toThrow(/IA3 disagrees/);
  });

  it('lower a length that nobody asked for to the model’s positions, and refuse one that was', () => {
    expect(withinPositions(describeRun({}), 128)).toMatchObject({ maxLength: 128, fields: { max_length: 128 } });
    expect(() => withinPositions(describeRun({ max_length: 256 }), 128)).toThrow(/max_length: 256/);
  });
});
