import type { EncodedRow } from '../data/encodeRow.ts';
import type { Generator } from '../generate/generator.ts';
import { textMetrics } from '../train/taskMetrics.ts';
import type { LoadedModel } from './loadedModel.ts';

/** Tokens that an answer may be longer than the target it is held against. */
const slack = 8;

/** ROUGE and exact match of what a model of source and target writes, greedily, beside the targets of the rows; nothing for other tasks. */
export async function writtenScores(
  generator: Generator,
  model: LoadedModel,
  rows: readonly EncodedRow[],
): Promise<Readonly<Record<string, number | null>>> {
  if (model.checkpoint.description.task !== 'SEQ_2_SEQ_LM') return {};
  const text = (ids: Iterable<number>) => model.tokenizer.decode([...ids], { skipSpecialTokens: true });
  const greedy = { temperature: 0, topP: 1, seed: 0, stopIds: model.stopIds() };
  const predictions: string[] = [];
  const references: string[] = [];
  for (const { ids, target } of rows) {
    if (target?.kind !== 'sequence') continue;
    const answer = await generator.generate([...ids], { ...greedy, maxNewTokens: target.ids.length + slack });
    predictions.push(text(answer.ids));
    references.push(text(target.ids));
  }
  return textMetrics(predictions, references).scores;
}
