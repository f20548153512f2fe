import { Graph } from '../graph/graph.ts';
import type { AdapterHooks } from './hooks.ts';
import { neededShapes } from './checkpoint.ts';
import type { ModelDescription } from './family.ts';

/** Tensors of the checkpoint that no trace with this adapter reads, because it trains others in their place: they need not be loaded. */
export function unreadTensors(description: ModelDescription, adapter: AdapterHooks | undefined): ReadonlySet<string> {
  const { tieWordEmbeddings, headPath, embeddingPath } = description;
  const scratch = new Graph();
  const isReplaced = (name: string) => adapter?.replaces?.(scratch, name) !== undefined;
  const servesHead = (name: string) => tieWordEmbeddings && name === `${embeddingPath}.weight`;
  const names = [...neededShapes(description).keys()];
  return new Set(names.filter((name) => isReplaced(name) && (!servesHead(name) || isReplaced(`${headPath}.weight`))));
}
