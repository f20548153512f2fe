import type { ChartRow } from './chartRows.ts';

export type RanksAt = { readonly step: number; readonly ranks: Readonly<Record<string, number>> };

/** Ranks as a table: a line for each module of a layer, a column for each layer. */
export interface RankGrid {
  readonly layers: readonly string[];
  readonly lines: readonly {
    readonly module: string;
    /** by layer; undefined where the layer has no such module */
    readonly ranks: readonly (number | undefined)[];
  }[];
  readonly highest: number;
}

/** @param ranks by module path, such as model.layers.3.self_attn.q_proj */
export function rankGrid(ranks: RanksAt['ranks']): RankGrid {
  const places = Object.entries(ranks).map(([path, rank]) => ({ ...placeOf(path), rank }));
  const layers = [...new Set(places.map(({ layer }) => layer))].sort((a, b) => Number(a) - Number(b));
  const modules = [...new Set(places.map(({ module }) => module))];
  const lines = modules.map((module) => {
    const own = new Map(places.filter((place) => place.module === module).map(({ layer, rank }) => [layer, rank]));
    return { module, ranks: layers.map((layer) => own.get(layer)) };
  });
  return { layers, lines, highest: Math.max(0, ...Object.values(ranks)) };
}

/** The first number in a path is its layer; a module outside the layers has none. */
function placeOf(path: string): { layer: string; module: string } {
  const parts = /^.*?\.(\d+)\.(.+)$/.exec(path);
  return parts ? { layer: parts[1] ?? '', module: parts[2] ?? path } : { layer: '', module: path };
}

/** All ranks together, as they fall over the run. */
export function totalRanks(history: readonly RanksAt[]): readonly ChartRow[] {
  return history.map(({ step, ranks }) => ({
    step,
    smooth: Object.values(ranks).reduce((sum, rank) => sum + rank, 0),
  }));
}
