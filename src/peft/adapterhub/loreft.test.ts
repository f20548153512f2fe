import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../../tests/peft/gradients.ts';
import { Graph } from '../../graph/graph.ts';
import { interpret, neutralStep } from '../../graph/interpret.ts';
import { describeModel } from '../../models/registry.ts';
import { maskInputs } from '../../models/positionMasks.ts';
import { initialValues } from '../initialize.ts';
import { methodOfConfig } from '../registry.ts';
import { readFields } from '../schema.ts';
import { orthogonalMatrix, orthogonalRows } from './orthogonal.ts';

const description = describeModel(tinyLlama);
const attach = (given: Readonly<Record<string, unknown>>) => attachTo(description, { peft_type: 'LOREFT', ...given });
const noRead = () => Promise.reject(new Error('nothing is read from the checkpoint'));
const source = { seed: 3, base: noRead, baseRows: noRead, tokenize: () => [] };

describe('LoReFT', () => {
  it.each([
    { r: 3, suffix_positions: 1, dropout: 0.3 },
    { r: 2, tied_weights: true, orthogonality: false, suffix_positions: 1, dropout: 0, non_linearity: 'tanh' },
    { r: 2, orthogonality: false, subtract_projection: false, suffix_positions: 2, dropout: 0.1 },
  ])('has the gradient that differences give: %o', async (given) => {
    await checkMethodGradients({ peft_type: 'LOREFT', ...given });
  });

  it('keeps rows orthonormal, however far they were trained', async () => {
    const rows = orthogonalRows('weight', 3, 7);
    const adapter = { ...attach({}), parameters: Object.values(rows) };
    const given = new Map([[rows.original.name, Float32Array.from({ length: 21 }, (_, i) => Math.sin(5 * i))]]);
    const values = await initialValues(adapter, given, source);
    const graph = new Graph();
    const matrix = orthogonalMatrix(graph, rows);
    const leaves = new Map(
      [...graph.leaves()].map((leaf) => [
        leaf,
        Float64Array.from(values.get('name' in leaf.origin ? leaf.origin.name : '') ?? []),
      ]),
    );
    const r = interpret(graph, leaves, neutralStep)(matrix);
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) {
        let sum = 0;
        for (let k = 0; k < 7; k++) sum += (r[7 * i + k] ?? NaN) * (r[7 * j + k] ?? NaN);
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 6);
      }
  });

  it('is used with the projection that it was trained with, worked out', async () => {
    const adapter = attach({ r: 3, suffix_positions: 1 });
    const values = await initialValues(adapter, new Map(), source);
    for (const [name, data] of values)
      if (name.endsWith('original'))
        values.set(
          name,
          data.map((x, i) => x + Math.sin(7 * i)),
        );
    const content = await adapter.toContent?.(values, noRead);
    if (!content) throw new Error('LoReFT writes signs');
    const finished = adapter.forUse?.fromContent?.(content) ?? new Map<string, Float32Array>();
    expect([...finished.keys()].sort()).toEqual(adapter.forUse?.parameters.map(({ name }) => name).sort());
    const key = 'model.layers.0.reft_layer.refts.default.units.0.projection.parametrizations.weight';
    const rows = orthogonalRows(key, 3, 8);
    const graph = new Graph();
    const matrix = orthogonalMatrix(graph, rows);
    const leaves = [...graph.leaves()].map(
      (leaf) => [leaf, Float64Array.from(values.get('name' in leaf.origin ? leaf.origin.name : '') ?? [])] as const,
    );
    const traced = interpret(graph, new Map(leaves), neutralStep)(matrix);
    finished.get(`${key}.original`)?.forEach((value, i) => expect(value).toBeCloseTo(traced[i] ?? NaN, 6));
  });

  it('works at the first and the last positions of each row, and at none of an answer', () => {
    const { hooks } = attach({ prefix_positions: 3, suffix_positions: 2 });
    const bits = (lengths: readonly number[], start: number) =>
      maskInputs(hooks.masks, lengths, start, 6).map(([name, words]) => [name, [...new Float32Array(words.buffer)]]);
    expect(bits([6, 4], 0)).toEqual([
      ['positions:reft.prefix', [1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0]],
      ['positions:reft.suffix', [0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]],
    ]);
    expect(bits([8], 6)[1]?.[1]).toEqual([1, 1, 0, 0, 0, 0]);
    expect(bits([0], 6).every(([, values]) => (values as number[]).every((value) => value === 0))).toBe(true);
  });

  it('writes signs that torch can read, though weight decay moved them', async () => {
    const adapter = attach({ r: 2 });
    const values = await initialValues(adapter, new Map(), source);
    const key = 'model.layers.0.reft_layer.refts.default.units.0.projection.parametrizations.weight.original';
    const decayed = new Map(values).set(
      key,
      Float32Array.from({ length: 16 }, (_, i) => (i === 0 || i === 9 ? -0.98 : i === 8 ? 1e-9 : 0.5)),
    );
    const content = await adapter.toContent?.(decayed, noRead);
    expect([...(content?.tensors.get(key)?.data ?? [])]).toEqual([
      -1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, -1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,
    ]);
  });

  it('is read from the config that it writes', () => {
    const { config } = attach({ layers: 0, non_linearity: 'relu', subtract_projection: false, orthogonality: false });
    expect(config['config']).toMatchObject({ architecture: 'reft', layers: [0], subtract_projection: false });
    const method = methodOfConfig(config);
    const fields = readFields(method.fields, method.readConfig?.(config) ?? {});
    expect(method.attach(fields, { description, baseModelName: null, taskType: null }).config).toEqual(config);
    const plain = attach({}).config;
    expect(plain['config']).toMatchObject({ layers: 'all', non_linearity: null });
    expect(readFields(method.fields, method.readConfig?.(plain) ?? {})['layers']).toBe(null);
  });

  it.each([
    [{ prefix_positions: 0 }, 'both 0'],
    [{ r: 8 }, 'r: 8 is too much for a model of width 8 with orthonormal rows. Give 7 or less'],
    [{ r: 9, orthogonality: false }, 'Give 8 or less'],
    [{ layers: [0, 4] }, 'layers 0 to 0'],
    [{ dropout: 1 }, 'dropout: 1'],
  ])('refuses %o', (fields, message) => {
    expect(() => attach(fields)).toThrow(message);
  });
});
