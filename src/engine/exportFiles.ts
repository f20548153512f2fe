import { howToLoad } from '../formats/howToLoad.ts';
import type { TaskType } from '../models/family.ts';
import type { Adapter } from '../peft/method.ts';
import type { MetricPoint } from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import { adapterFiles } from './preparedRun.ts';
import { writeRunFile } from './runFile.ts';
import { labelsFile } from './taskModel.ts';

/** What a download holds: the adapter as its library has it, how the run was made, its figures, and a card that says how to load it. */
export async function exportFiles(
  model: LoadedModel,
  adapter: Adapter,
  values: ReadonlyMap<string, Float32Array>,
  fields: Readonly<Record<string, unknown>>,
  log: readonly MetricPoint[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = await adapterFiles(model, adapter, values);
  const put = (name: string, text: string) => files.set(name, new TextEncoder().encode(text));
  put('README.md', card(model, adapter, log));
  put('run.yaml', writeRunFile({ ...fields, model: model.checkpoint.name }));
  put('metrics.jsonl', log.map((point) => `${JSON.stringify(point)}\n`).join(''));
  return files;
}

/** The Hub's names for the tasks. */
const pipelines: Readonly<Record<TaskType, string>> = {
  CAUSAL_LM: 'text-generation',
  SEQ_2_SEQ_LM: 'text2text-generation',
  SEQ_CLS: 'text-classification',
  TOKEN_CLS: 'token-classification',
  IMAGE_CLS: 'image-classification',
};

function scoresText(scores: NonNullable<MetricPoint['evalScores']>): string {
  const defined = Object.entries(scores).filter((score): score is [string, number] => score[1] !== null);
  return defined.map(([name, value]) => `${name.replaceAll('_', ' ')} ${value.toPrecision(4)}`).join(', ');
}

function card(model: LoadedModel, adapter: Adapter, log: readonly MetricPoint[]): string {
  const last = log.findLast((point) => point.loss !== undefined);
  const evaluation = log.findLast((point) => point.evalLoss !== undefined);
  const { name, description } = model.checkpoint;
  const { labels } = model;
  return [
    '---',
    `library_name: ${'peft_type' in adapter.config ? 'peft' : 'adapter-transformers'}`,
    `base_model: ${name}`,
    `pipeline_tag: ${pipelines[description.task]}`,
    'tags: [graft]',
    '---',
    '',
    `# ${adapter.peftType} adapter for ${name}`,
    '',
    `Trained with Graft${last ? `, ${last.step} steps, last loss ${last.loss?.toPrecision(4)}` : ''}${evaluation ? `, evaluation loss ${evaluation.evalLoss?.toPrecision(4)}` : ''}.`,
    ...(evaluation?.evalScores ? [`On the evaluation rows: ${scoresText(evaluation.evalScores)}.`] : []),
    'run.yaml holds the settings, metrics.jsonl the figures of every step.',
    ...(labels ? [`${labelsFile} names its ${labels.numLabels} labels, by the number that the model gives them.`] : []),
    '',
    '```python',
    ...howToLoad(adapter.config, name, labels?.numLabels),
    '```',
    '',
  ].join('\n');
}
