import { describe, expect, it } from 'vitest';
import { choiceOf, quantisationOf } from '../../engine/quantisationFields.ts';
import { UserError } from '../../formats/errors.ts';
import type { PricedWeights, WeightGroup, WeightsName } from '../../engine/api.ts';
import {
  findWeights,
  offeredWeights,
  weightsBeside,
  weightsKey,
  weightsLabel,
  weightsOfFields,
  whyNothing,
  whyNotMeasured,
} from './weightChoices.ts';

const names: readonly WeightsName[] = ['stored', 'int8', 'nf4', 'nf4_nested', 'fp4', 'fp4_nested'];
const choices = names.flatMap((name): PricedWeights[] =>
  (name === 'stored' ? [false] : [false, true]).map((embeddings) => ({
    name,
    embeddings,
    fields: {},
    memory: { bytes: 100 },
  })),
);
const refused = choices.map((choice) =>
  choice.name === 'stored' ? choice : { ...choice, memory: { reason: 'quantised already' } },
);
const weights = (format: string, isFloat: boolean): { weights: WeightGroup[] } => ({
  weights: [{ role: 'mlp', format, isFloat, tensors: 1, weights: 8, bytes: 8 }],
});

describe('the weights that a run takes', () => {
  it('are read from its fields as Transformers reads them', () => {
    expect(weightsOfFields({})).toEqual({ name: 'stored', embeddings: false });
    expect(weightsOfFields({ load_in_4bit: true })).toEqual({ name: 'fp4', embeddings: false });
    expect(
      weightsOfFields({ load_in_4bit: true, bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true }),
    ).toEqual({ name: 'nf4_nested', embeddings: false });
    expect(weightsOfFields({ load_in_8bit: true, load_embeddings_in_8bit: true, bnb_4bit_quant_type: 'nf4' })).toEqual({
      name: 'int8',
      embeddings: true,
    });
    // settings of 4 bits mean nothing while these are off
    expect(weightsOfFields({ bnb_4bit_quant_type: 'nf4', load_embeddings_in_8bit: true }).name).toBe('stored');
  });

  it('are those that the engine takes from the same fields', () => {
    const flags = [undefined, false, true];
    const types = [undefined, 'nf4', 'fp4'];
    const all = flags.flatMap((load_in_4bit) =>
      flags.flatMap((load_in_8bit) =>
        flags.flatMap((load_embeddings_in_8bit) =>
          flags.flatMap((bnb_4bit_use_double_quant) =>
            types.map((bnb_4bit_quant_type) => ({
              load_in_4bit,
              load_in_8bit,
              load_embeddings_in_8bit,
              bnb_4bit_use_double_quant,
              bnb_4bit_quant_type,
            })),
          ),
        ),
      ),
    );
    const isRefused = (fields: (typeof all)[number]): boolean =>
      fields.load_in_4bit === true
        ? fields.load_in_8bit === true
        : fields.load_in_8bit !== true && fields.load_embeddings_in_8bit === true;
    for (const fields of all) {
      if (isRefused(fields)) expect(() => quantisationOf(fields)).toThrow(UserError);
      else expect(weightsOfFields(fields), JSON.stringify(fields)).toEqual(choiceOf(quantisationOf(fields)));
    }
  });

  it('are offered five ways, with the embeddings as they are chosen', () => {
    const offered = offeredWeights(choices, { name: 'int8', embeddings: true });
    expect(offered.map(weightsKey)).toEqual([
      'stored',
      'int8+embeddings',
      'nf4_nested+embeddings',
      'nf4+embeddings',
      'fp4+embeddings',
    ]);
    expect(offeredWeights(choices, { name: 'fp4_nested', embeddings: false }).at(-1)?.name).toBe('fp4_nested');
    expect(findWeights(choices, { name: 'nf4', embeddings: false })).toMatchObject({ name: 'nf4', embeddings: false });
  });

  it('cannot be chosen where every way is refused, for one reason', () => {
    expect(whyNothing(refused)).toBe('quantised already');
    expect(whyNothing(choices)).toBeNull();
    expect(whyNothing([])).toBeNull();
  });

  it('are those that an adapter was trained on, beside it; and those of the next run without one', () => {
    const nf4 = { name: 'nf4', embeddings: false } as const;
    expect(weightsBeside({ weights: nf4 }, { load_in_8bit: true })).toEqual(nf4);
    expect(weightsBeside({}, { load_in_8bit: true }).name).toBe('stored');
    expect(weightsBeside(undefined, { load_in_8bit: true }).name).toBe('int8');
    expect(weightsLabel(weights('BF16', true), nf4)).toBe('NF4');
    expect(weightsLabel(weights('BF16', true), { name: 'stored', embeddings: false })).toBe('BF16');
    // a file that is quantised already serves as it is
    expect(weightsLabel(weights('Q4_K', false), nf4)).toBe('Q4_K');
  });
});

describe('a measurement', () => {
  it('says what it lacks', () => {
    const writes = { taskType: 'CAUSAL_LM', evalRows: 4 } as const;
    expect(whyNotMeasured({ labels: [] }, null)).toMatch(/^No data is open/);
    expect(whyNotMeasured({ labels: [] }, { ...writes, evalRows: 0 })).toMatch(/^No rows are held out/);
    expect(whyNotMeasured({ labels: [] }, writes)).toBeNull();
    expect(whyNotMeasured({ labels: [] }, { ...writes, taskType: 'SEQ_CLS' })).toMatch(/no trained head/);
    expect(whyNotMeasured({ labels: ['yes', 'no'] }, { ...writes, taskType: 'SEQ_CLS' })).toBeNull();
  });
});
