import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { EncodedRow } from '../../src/data/encodeRow.ts';
import { LoadedModel } from '../../src/engine/loadedModel.ts';
import { prepareRun } from '../../src/engine/preparedRun.ts';
import { openPath } from '../../src/formats/nodeFiles.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { matrixOf, productTransposed, transpose } from '../../src/peft/algebra/matrix.ts';

interface Fixture {
  /** tokens of each row that are not learned */
  readonly prompt: number;
  readonly rows: readonly (readonly number[])[];
  readonly cases: readonly {
    readonly name: string;
    readonly fields: Readonly<Record<string, unknown>>;
    readonly config: Readonly<Record<'rank_pattern' | 'alpha_pattern', Readonly<Record<string, number>>>>;
    readonly starts: Readonly<Record<string, readonly number[]>>;
  }[];
}

const fixtures = new URL('../fixtures/', import.meta.url);
const fixture = JSON.parse(readFileSync(new URL('eva.json', fixtures), 'utf8')) as Fixture;
const rows: EncodedRow[] = fixture.rows.map((ids) => ({
  ids: Uint32Array.from(ids),
  labels: Int32Array.from(ids, (id, t) => (t < fixture.prompt ? -100 : id)),
  cut: false,
}));

const gpu = openNodeGpu();
afterAll(async () => (await gpu).device.destroy());

async function prepared(fields: Readonly<Record<string, unknown>>) {
  const model = await LoadedModel.open(
    await openPath(fileURLToPath(new URL('parity/models/llama', fixtures))),
    'llama',
  );
  const eva = { peft_type: 'LORA', init_lora_weights: 'eva', r: 3, batch_size: rows.length };
  try {
    return await prepareRun(model, { ...eva, ...fields }, undefined, () => ({
      count: rows.length,
      learned: { rows, gpu: () => gpu },
    }));
  } finally {
    model.unload();
  }
}

/** Aᵀ A: the signs of the directions, and their order where two are alike, do not show. */
function projector(a: ArrayLike<number>, rank: number) {
  const columns = transpose(matrixOf(rank, a.length / rank, a));
  return productTransposed(columns, columns).data;
}

describe('EVA', () => {
  it.each(fixture.cases)('starts where PEFT does, $name', async ({ fields, config, starts }) => {
    const { adapter, initial } = await prepared(fields);
    expect(adapter.config).toMatchObject({ init_lora_weights: 'eva', ...config });
    const inFile = adapter.parameters.filter(({ name }) => name.endsWith('.lora_A.weight'));
    expect(inFile.map(({ name }) => name.replace(/^base_model\.model\.|\.lora_A\.weight$/g, '')).sort()).toEqual(
      Object.keys(starts).sort(),
    );
    for (const { name, shape } of inFile) {
      const theirs = starts[name.replace(/^base_model\.model\.|\.lora_A\.weight$/g, '')] ?? [];
      const [ours, wanted] = [projector(initial.get(name) ?? [], shape[0]!), projector(theirs, shape[0]!)];
      expect(ours.length).toBe(wanted.length);
      const largest = Math.max(...wanted.map(Math.abs));
      const off = Math.max(...ours.map((x, i) => Math.abs(x - (wanted[i] ?? NaN)))) / largest;
      expect(off, name).toBeLessThan(1e-5);
      expect(initial.get(name.replace('lora_A', 'lora_B'))!.every((x) => x === 0)).toBe(true);
    }
  });

  it.each([
    [{ target_modules: ['lm_head'] }, /lm_head is outside the layers that read tokens/],
    [{ r: 20 }, /let the rank of .* become 40, and it reads 36 numbers/],
    [{ batch_size: 1, r: 15 }, /finds up to 30 directions, and no batch has as many tokens that are learned/],
    [{ eva_config: { rho: 0.5 } }, /rho: 0.5 does not work/],
    [{ eva_config: { tau: 2 } }, /tau: 2 does not work/],
    [{ eva_config: { whiten: 1 } }, /whiten: 1 does not work; it must be true or false/],
    [{ eva_config: { label_mask_value: 0 } }, /label_mask_value/],
    [{ eva_config: { sigma: 1 } }, /sigma is unknown/],
    [{ eva_config: 'yes' }, /eva_config: "yes" does not work; it must map settings of EVA/],
  ])('refuses settings that cannot work: %j', async (fields, message) => {
    await expect(prepared(fields)).rejects.toThrow(message);
  });
});
