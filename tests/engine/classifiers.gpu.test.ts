import { readdirSync, readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { DataOptions, Engine, ModelFile, RunEvent, RunFields } from '../../src/engine/api.ts';
import { collect, ignore, isStep, openPage, pointsOf, useBrowser } from './browser.ts';

useBrowser();

const parity = new URL('../fixtures/parity/', import.meta.url);
const options: DataOptions = {
  maxLength: 40,
  lossOn: 'replies',
  valSplitRatio: 0.25,
  taskType: 'auto',
  problemType: 'auto',
};
const fields: RunFields = {
  ...{
    peft_type: 'LORA',
    r: 4,
    target_modules: 'all-linear',
    learning_rate: 0.03,
    batch_size: 4,
    max_steps: 20,
    save_steps: 4,
    eval_steps: 6,
  },
  ...{ max_length: 40, val_split_ratio: 0.25, task_type: 'auto', problem_type: 'auto' },
};

function folder(path: string, name: string): ModelFile[] {
  const at = new URL(`${path}/`, parity);
  return readdirSync(at).map((file) => ({
    path: `${name}/${file}`,
    blob: new Blob([readFileSync(new URL(file, at))]),
  }));
}

function rows(lines: readonly object[], name = 'rows.jsonl'): ModelFile[] {
  return [{ path: name, blob: new Blob([lines.map((line) => `${JSON.stringify(line)}\n`).join('')]) }];
}

/** Texts whose words tell their label. */
const labelled = Array.from({ length: 16 }, (_, i) =>
  i % 2 === 0 ? { text: 'orchard blossom cider', label: 'fruit' } : { text: 'hive early hive', label: 'honey' },
);

async function openBert(engine: Engine): Promise<void> {
  await engine.openModel(folder('models/bert', 'bert'), ignore);
}

describe('a classifier in the studio', () => {
  it('says which task it suits, shows labels, learns them, and tells classes apart with its adapter', async () => {
    const engine = openPage();
    const card = await engine.openModel(folder('models/bert', 'bert'), ignore);
    expect(card).toMatchObject({ tasks: ['SEQ_CLS', 'TOKEN_CLS'], labels: ['LABEL_0', 'LABEL_1', 'LABEL_2'] });
    expect(card.suits).toMatch(/BertForSequenceClassification.*3 labels/);

    const data = await engine.openData(rows(labelled), options, ignore);
    expect(data).toMatchObject({ taskType: 'SEQ_CLS', rows: 12, evalRows: 4 });
    expect(data.labels?.counts).toEqual([
      { label: 'fruit', count: 8 },
      { label: 'honey', count: 8 },
    ]);
    expect(await engine.dataRow(1)).toMatchObject({ labels: ['honey'] });

    const events: RunEvent[] = [];
    const summary = await engine.startRun(fields, collect(events));
    const last = pointsOf(events).findLast(({ evalScores }) => evalScores !== undefined);
    expect(last?.evalScores).toMatchObject({ accuracy: 1, f1_macro: 1 });
    expect(last?.confusion?.flat().reduce((sum, count) => sum + count)).toBe(4);

    const ask = (text: string, adapterId?: string) => engine.classify({ adapterId, input: { text } });
    const base = await ask('orchard cider');
    expect(base.scores.map(({ label }) => label)).toEqual(card.labels);
    const tuned = await ask('orchard cider', summary.adapterId);
    expect(tuned.scores.map(({ label }) => label)).toEqual(['fruit', 'honey']);
    expect(tuned.scores[0]?.value).toBeGreaterThan(0.9);
    expect((await ask('early hive', summary.adapterId)).scores[1]?.value).toBeGreaterThan(0.9);
    expect(await ask('orchard cider')).toEqual(base);
    await expect(ask('hive '.repeat(60), summary.adapterId)).rejects.toThrow(/62 tokens.*takes 50/);

    const files = unzipSync(
      new Uint8Array(await (await engine.exportAdapter(summary.adapterId ?? '')).blob.arrayBuffer()),
    );
    const text = (name: string) => new TextDecoder().decode(files[name]);
    expect(JSON.parse(text('label_map.json'))).toMatchObject({ id2label: { 0: 'fruit', 1: 'honey' } });
    expect(text('README.md')).toContain('AutoModelForSequenceClassification.from_pretrained("bert", num_labels=2');
    expect(text('README.md')).toContain('accuracy 1');
  });

  it('labels words, and shows the label of each', async () => {
    const engine = openPage();
    await openBert(engine);
    const words = Array.from({ length: 8 }, () => ({ tokens: ['orchard', 'hive', 'cider'], labels: ['V', 'C', 'V'] }));
    const choice = { ...options, taskType: 'TOKEN_CLS' } as const;
    const data = await engine.openData(rows(words), choice, ignore);
    expect(data.labels).toMatchObject({ problemType: null, counts: [{ label: 'V', count: 16 }, { label: 'C' }] });
    const row = await engine.dataRow(0);
    expect(row.tokens.flatMap(({ label }) => label ?? [])).toEqual(['V', 'C', 'V']);
    const summary = await engine.startRun({ ...fields, task_type: 'TOKEN_CLS' }, ignore);
    const { tokens } = await engine.classify({ adapterId: summary.adapterId, input: { text: 'hive cider' } });
    expect(tokens.map(({ text }) => text).join('')).toContain('hive cider');
    expect(tokens.flatMap(({ text, label }) => (label === undefined ? [] : [[text.trim(), label]]))[0]?.[1]).toBe('C');
  });

  it('goes on from a checkpoint of a run on images after a reload', async () => {
    const first = openPage();
    const card = await first.openModel(folder('models/vit', 'vit'), ignore);
    expect(card).toMatchObject({ tasks: ['IMAGE_CLS'], image: { height: expect.any(Number) as number } });
    await first.keepModel(ignore);
    const data = await first.openData(folder('images/vit-lora/images', 'images'), options, ignore);
    expect(data).toMatchObject({ taskType: 'IMAGE_CLS', name: 'images', rows: 6, evalRows: 2 });
    const images = await first.dataImages(3);
    expect(images.map(({ path, label }) => [path, label])).toEqual([
      ['0.png', 'LABEL_0'],
      ['1.png', 'LABEL_1'],
      ['2.png', 'LABEL_2'],
    ]);
    const events: RunEvent[] = [];
    const run = { ...fields, max_steps: 6, save_steps: 2 };
    const stopped = await first.startRun(
      run,
      collect(events, isStep(3), () => void first.stop(true)),
    );
    expect(stopped.status).toBe('stopped');

    const second = openPage();
    const summary = await second.resumeRun(stopped.id, ignore);
    expect(summary).toMatchObject({ status: 'finished', step: 6 });
    const image = folder('images/vit-lora/images', 'images').find(({ path }) => path.endsWith('0.png'));
    if (!image) throw new Error('no image');
    const { scores } = await second.classify({ adapterId: summary.adapterId, input: { image } });
    expect(scores.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(1);
  });
});

describe('data that does not fit', () => {
  it('is refused with what to do, and a choice that fits it is taken afterwards', async () => {
    const engine = openPage();
    await openBert(engine);
    const images = folder('images/vit-lora/images', 'images');
    await expect(engine.openData(images, options, ignore)).rejects.toThrow(/reads text, and images holds images.*ViT/);
    const wrong = [...labelled, { text: 'x', label: 9 }];
    await expect(engine.openData(rows(wrong), options, ignore)).rejects.toThrow(/label.*line 17/s);
    await engine.openData(rows(labelled), options, ignore);
    const words = { ...options, taskType: 'TOKEN_CLS' } as const;
    await expect(engine.reopenData(words, ignore)).rejects.toThrow(/TOKEN_CLS/);
    await expect(engine.startRun({ ...fields, task_type: 'TOKEN_CLS' }, ignore)).rejects.toThrow(/TOKEN_CLS/);
    expect(await engine.reopenData(options, ignore)).toMatchObject({ taskType: 'SEQ_CLS' });

    await engine.openModel(folder('models/vit', 'vit'), ignore);
    await expect(engine.reopenData(options, ignore)).rejects.toThrow(/learns from images, and rows.jsonl is none/);
    const broken = { path: 'images/bad.png', blob: new Blob(['no image']) };
    const inFolders = images
      .flatMap(({ blob }, i) => ({ path: `set/${i % 2 ? 'a' : 'b'}/${i}.png`, blob }))
      .slice(0, 6);
    const data = await engine.openData([...inFolders, { ...broken, path: 'set/a/bad.png' }], options, ignore);
    expect(data.problems).toMatchObject([{ message: expect.stringContaining('set/a/bad.png is no image') as string }]);
  });
});
