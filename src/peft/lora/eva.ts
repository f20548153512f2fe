import { UserError } from '../../formats/errors.ts';
import type { ModuleInfo } from '../../models/family.ts';
import { IncrementalPca } from '../algebra/incrementalPca.ts';
import { dot, leadingRows, rowOf, type Matrix } from '../algebra/matrix.ts';
import type { MethodFields, RowInputs, RowStart } from '../method.ts';
import { keyPrefix } from '../savedModules.ts';
import { distributed, movedRanks } from './evaRanks.ts';
import { evaSettings, type EvaSettings } from './evaSettings.ts';
import { rankOf } from './scale.ts';

/** Linears that read the same: their components are found once. */
interface Source {
  readonly paths: readonly string[];
  readonly pca: IncrementalPca;
  /** by component: whether the last batch that was added left it where it was */
  settled: readonly boolean[];
  isDone: boolean;
}

/**
 * EVA (Paischer et al., arXiv 2410.07170), as PEFT 0.21's tuners/lora/eva.py has it: A starts as the principal components of what the
 * linear reads on the rows, B as zero, and the ranks move to the linears whose components explain the largest shares of the variance, up
 * to rho times r each. Batches are read, anew from the first after the last, until the components that are wanted stay where they are.
 */
export async function evaStart(
  fields: MethodFields,
  modules: readonly ModuleInfo[],
  inputs: RowInputs,
): Promise<RowStart> {
  const settings = evaSettings(fields);
  const linears = modules.filter(({ kind }) => kind === 'linear');
  const ranks = new Map(linears.map(({ path }) => [path, rankOf(fields, path)]));
  for (const module of linears) refuseNarrow(module, mostRank(ranks.get(module.path) ?? 0, settings), settings);
  const { sources, counts } = await settledSources(ranks, settings, inputs);
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { paths, pca } of sources)
    for (const path of paths) {
      const rank = counts.get(path) ?? 0;
      if (rank > 0) values.set(`${keyPrefix}${path}.lora_A.weight`, firstRows(pca, rank, settings));
    }
  return { fields: movedRanks(fields, modules, counts, settings), values };
}

/** A [rank, in] */
function firstRows(pca: IncrementalPca, rank: number, { whiten }: EvaSettings): Float32Array<ArrayBuffer> {
  const { components, singularValues } = pca;
  if (!components) throw new Error('EVA has not read any rows');
  const { columns, data } = leadingRows(components, rank);
  if (!whiten) return Float32Array.from(data);
  return Float32Array.from(data, (x, i) => x / Math.sqrt(singularValues[Math.floor(i / columns)] ?? 1));
}

function refuseNarrow({ path, inFeatures, outFeatures }: ModuleInfo, most: number, { rho }: EvaSettings): void {
  if (most > inFeatures)
    throw new UserError(
      `eva_config: rho: ${rho} would let the rank of ${path} become ${most}, and it reads ${inFeatures} numbers ([${outFeatures}, ${inFeatures}]). Lower r, or give rho: 1.`,
    );
}

/** The largest rank that a linear may be given; halves go to the even number, as Python rounds. */
function mostRank(rank: number, { rho }: EvaSettings): number {
  const most = rank * rho;
  return most % 1 === 0.5 ? 2 * Math.round(most / 2) : Math.round(most);
}

/** Reads batches until the components of every source have settled. */
async function settledSources(
  ranks: ReadonlyMap<string, number>,
  settings: EvaSettings,
  inputs: RowInputs,
): Promise<{ sources: readonly Source[]; counts: ReadonlyMap<string, number> }> {
  const known = new Map<string, Source>();
  let counts: ReadonlyMap<string, number> | undefined;
  for (let step = 0; ; step++) {
    await inputs.read(step % inputs.batches, [...ranks.keys()], settings.use_label_mask, (paths, rows) => {
      const [first = ''] = paths;
      const source = known.get(first) ?? newSource(paths, ranks, settings);
      known.set(first, source);
      if (!source.isDone) addTo(source, rows, settings.tau);
    });
    const sources = [...known.values()];
    if (sources.every(({ pca }) => pca.components))
      counts = distributed(
        ranks,
        sources.map(({ paths, pca }) => ({ paths, shares: pca.explainedShares })),
      );
    else if (step + 1 === inputs.batches) refuseFewTokens(sources, settings);
    for (const source of sources) {
      const wanted = counts?.get(source.paths[0] ?? '') ?? source.pca.count;
      source.isDone = source.settled.slice(0, wanted).every(Boolean);
    }
    if (counts && sources.every(({ isDone }) => isDone)) return { sources, counts };
  }
}

function newSource(paths: readonly string[], ranks: ReadonlyMap<string, number>, settings: EvaSettings): Source {
  const count = Math.max(...paths.map((path) => mostRank(ranks.get(path) ?? 0, settings)));
  return { paths, pca: new IncrementalPca(count), settled: Array<boolean>(count).fill(false), isDone: false };
}

/** Batches of fewer tokens than there are components are passed over. */
function addTo(source: Source, rows: Matrix, tau: number): void {
  const { paths, pca } = source;
  if (rows.rows < pca.count) return;
  const before = pca.components;
  pca.add(rows);
  const { components } = pca;
  if (!components || !Number.isFinite(pca.singularValues[0]))
    throw new Error(`what ${paths.join(', ')} read is not finite numbers`);
  if (before)
    source.settled = Array.from({ length: pca.count }, (_, i) => dot(rowOf(before, i), rowOf(components, i)) >= tau);
}

function refuseFewTokens(sources: readonly Source[], { use_label_mask: masks }: EvaSettings): void {
  const most = Math.max(...sources.map(({ pca }) => pca.count));
  throw new UserError(
    `init_lora_weights: eva finds up to ${most} directions, and no batch has as many tokens${masks ? ' that are learned' : ''}. Raise batch_size, ${masks ? 'give eva_config: {"use_label_mask": false}, ' : ''}or lower r.`,
  );
}
