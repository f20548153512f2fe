import type { FloatTensor } from '../../formats/floatTensors.ts';
import { controlWords } from '../../graph/ops/rankControl.ts';
import { tensorsForFile } from '../initialize.ts';
import type { Adapter, AdapterContent, AfterStep, MethodFields, ParameterSpec, ParameterValues } from '../method.ts';
import { controlAt, type Allocation } from './allocation.ts';
import { keptColumns, keptRows, patternKey, type RankPattern } from './rankPattern.ts';
import type { Site } from './site.ts';

const scoresName = 'adalora.scores';
const maskName = 'adalora.mask';
const controlName = 'adalora.control';

/** The adapter with the states of the allocator, its work after each step, and the cut file. */
export function withAllocator(
  adapter: Adapter,
  fields: MethodFields,
  sites: readonly Site[],
  allocation: Allocation,
): Adapter {
  const state = (name: string, shape: readonly number[], value: number): ParameterSpec => ({
    name,
    shape,
    role: 'state',
    isInFile: false,
    initial: { kind: 'constant', value },
  });
  const smoothed = sites.flatMap(({ a, b, e }) =>
    [a, b, e].flatMap(({ name, shape }) => [state(importanceOf(name), shape, 0), state(uncertaintyOf(name), shape, 0)]),
  );
  const whole = [allocation.initialRanks];
  const rank = fields['init_r'] as number;
  const keptOf = (mask: Float32Array): RankPattern =>
    Object.fromEntries(
      sites.map(({ module, index }) => [
        patternKey(module.path),
        Array.from(mask.subarray(index * rank, (index + 1) * rank), (kept) => kept !== 0),
      ]),
    );
  return {
    ...adapter,
    parameters: [...adapter.parameters, ...smoothed, state(scoresName, whole, 0), state(maskName, whole, 1)],
    afterStep: allocator(fields, sites, allocation),
    ranks: {
      parameter: maskName,
      ranksOf: (mask) =>
        new Map(
          sites.map(({ module }) => [module.path, keptOf(mask)[patternKey(module.path)]?.filter(Boolean).length ?? 0]),
        ),
    },
    toContent: (values) => Promise.resolve(cutContent(adapter, values, sites, keptOf)),
  };
}

function importanceOf(name: string): string {
  return `${name}.importance`;
}

function uncertaintyOf(name: string): string {
  return `${name}.uncertainty`;
}

function allocator(fields: MethodFields, sites: readonly Site[], allocation: Allocation): AfterStep {
  const rank = fields['init_r'] as number;
  const betas = { beta1: fields['beta1'] as number, beta2: fields['beta2'] as number };
  return {
    inputs: (step) => new Map([[controlName, controlWords(controlAt(allocation, step))]]),
    trace(graph, { parameter, gradient }) {
      const control = graph.input(controlName, [4], 'u32');
      const [scores, mask] = [parameter(scoresName), parameter(maskName)];
      const score = ({ name }: ParameterSpec, attributes: { axis: number; offset: number; adds: boolean }) =>
        graph.apply(
          'rankScores',
          [
            parameter(name),
            gradient(name),
            parameter(importanceOf(name)),
            parameter(uncertaintyOf(name)),
            scores,
            control,
          ],
          { ...attributes, ...betas },
        );
      for (const { a, b, e, index } of sites) {
        const offset = index * rank;
        score(a, { axis: 0, offset, adds: false });
        score(b, { axis: 1, offset, adds: true });
        score(e, { axis: 0, offset, adds: true });
      }
      graph.apply('rankMask', [scores, mask, control]);
      for (const { e, index } of sites)
        graph.apply('applyRankMask', [parameter(e.name), mask, control], { offset: index * rank });
    },
  };
}

/** PEFT's file: without the rows of A and E and the columns of B that are cut, which the config names. */
function cutContent(
  adapter: Adapter,
  values: ParameterValues,
  sites: readonly Site[],
  keptOf: (mask: Float32Array) => RankPattern,
): AdapterContent {
  const tensors = tensorsForFile(adapter, values);
  const mask = values.get(maskName);
  if (!mask || mask.every((kept) => kept !== 0)) return { config: adapter.config, tensors };
  const pattern = keptOf(mask);
  for (const { module, a, b, e } of sites) {
    const kept = pattern[patternKey(module.path)] ?? [];
    const r = kept.filter(Boolean).length;
    const put = ({ name }: ParameterSpec, shape: FloatTensor['shape'], cut: typeof keptRows) =>
      tensors.set(name, { shape, data: new Float32Array(cut(tensors.get(name)?.data ?? new Float32Array(), kept)) });
    put(a, [r, module.inFeatures], keptRows);
    put(b, [module.outFeatures, r], keptColumns);
    put(e, [r, 1], keptRows);
  }
  return { config: { ...adapter.config, rank_pattern: pattern }, tensors };
}
