import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { matrixOf, product } from '../peft/algebra/matrix.ts';
import { LoadedModel } from './loadedModel.ts';
import { openPath } from './nodeFiles.ts';
import { prepareRun } from './preparedRun.ts';

interface Fixture {
  readonly tensor: string;
  readonly rank: number;
  readonly shape: readonly [number, number];
  readonly factorsByBits: Readonly<Record<string, { readonly a: readonly number[]; readonly b: readonly number[] }>>;
}

const fixtures = new URL('../../tests/fixtures/', import.meta.url);
const theirs = JSON.parse(readFileSync(new URL('loftq.json', fixtures), 'utf8')) as Fixture;
const modelPath = fileURLToPath(new URL('parity/models/llama-nf4', fixtures));
const path = theirs.tensor.replace(/\.weight$/, '');

const inFour = { load_in_4bit: true, bnb_4bit_quant_type: 'nf4' };
const inEight = { load_in_8bit: true, loftq_config: { loftq_bits: 8 } };

async function prepared(fields: Readonly<Record<string, unknown>>) {
  const model = await LoadedModel.open(await openPath(modelPath), 'llama-nf4');
  const loftq = { peft_type: 'LORA', init_lora_weights: 'loftq', r: theirs.rank, target_modules: [path] };
  return prepareRun(model, { ...loftq, ...fields });
}

async function startOf(fields: Readonly<Record<string, unknown>>) {
  const { initial } = await prepared(fields);
  const factor = (letter: string) => initial.get(`base_model.model.${path}.lora_${letter}.weight`) ?? [];
  return updateOf(factor('A'), factor('B'));
}

/** B A: the signs of its directions do not show. */
function updateOf(a: ArrayLike<number>, b: ArrayLike<number>) {
  const [rows, columns] = theirs.shape;
  return product(matrixOf(rows, theirs.rank, b), matrixOf(theirs.rank, columns, a));
}

describe('LoftQ', () => {
  it.each([
    ['4', inFour],
    ['8', inEight],
  ])("gives back what %s bits take away, as PEFT's loftq_init does", async (bits, fields) => {
    const { data } = await startOf(fields);
    const { a, b } = theirs.factorsByBits[bits]!;
    const expected = updateOf(a, b).data;
    const largest = Math.max(...expected.map(Math.abs));
    for (const [i, value] of data.entries())
      expect(Math.abs(value - (expected[i] ?? NaN)) / largest).toBeLessThan(1e-5);
  });

  it('corrects what double quantisation takes, too', async () => {
    const plain = await startOf(inFour);
    const nested = await startOf({ ...inFour, bnb_4bit_use_double_quant: true });
    const difference = Math.max(...nested.data.map((value, i) => Math.abs(value - (plain.data[i] ?? NaN))));
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(Math.max(...plain.data.map(Math.abs)));
  });

  it('leaves a plain LoRA of the quantised model', async () => {
    const { adapter } = await prepared(inFour);
    expect(adapter.config).toMatchObject({ init_lora_weights: true, loftq_config: {} });
  });

  it.each([
    [{}, /loftq starts from what quantising takes.*load_in_4bit: true/],
    [{ ...inFour, loftq_config: { loftq_iter: 2 } }, /loftq_iter: 2 passes.*Give loftq_iter: 1/],
    [{ ...inFour, loftq_config: { loftq_bits: 8 } }, /loaded in 4 bits, not 8/],
    [{ ...inFour, loftq_config: { loftq_bits: 2 } }, /loftq_bits: 2.*Give 4 or 8/],
    [{ ...inFour, loftq_config: { loftq_steps: 2 } }, /loftq_steps is unknown/],
    [{ ...inFour, target_modules: ['embed_tokens'] }, /loftq corrects linear layers/],
    [{ ...inFour, target_modules: ['lm_head'] }, /lm_head.weight is not quantised while it is loaded/],
    [{ ...inFour, r: 65 }, /r: 65 is/],
  ])('refuses settings that cannot work: %o', async (fields, message) => {
    await expect(prepared(fields)).rejects.toThrow(message);
  });
});
