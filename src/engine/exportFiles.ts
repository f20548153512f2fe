import { stringify } from 'yaml';
import { howToLoad } from '../formats/howToLoad.ts';
import type { Adapter } from '../peft/method.ts';
import type { MetricPoint } from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import { adapterFiles } from './preparedRun.ts';

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
  put('run.yaml', stringify({ ...fields, model: model.checkpoint.name }));
  put('metrics.jsonl', log.map((point) => `${JSON.stringify(point)}\n`).join(''));
  return files;
}

function card(model: LoadedModel, adapter: Adapter, log: readonly MetricPoint[]): string {
  const last = log.findLast((point) => point.loss !== undefined);
  const evaluation = log.findLast((point) => point.evalLoss !== undefined);
  const { name } = model.checkpoint;
  return [
    '---',
    `library_name: ${'peft_type' in adapter.config ? 'peft' : 'adapter-transformers'}`,
    `base_model: ${name}`,
    'tags: [graft]',
    '---',
    '',
    `# ${adapter.peftType} adapter for ${name}`,
    '',
    `Trained with Graft${last ? `, ${last.step} steps, last loss ${last.loss?.toPrecision(4)}` : ''}${evaluation ? `, evaluation loss ${evaluation.evalLoss?.toPrecision(4)}` : ''}.`,
    'run.yaml holds the settings, metrics.jsonl the figures of every step.',
    '',
    '```python',
    ...howToLoad(adapter.config, name),
    '```',
    '',
  ].join('\n');
}
