import { describe, expect, it } from 'vitest';
import type { Engine, Progress, RunEvent, RunFields, WeightsChoice } from '../../src/engine/api.ts';
import { collect, ignore, isStep, lossesOf, openPage, openSample, pointsOf, useBrowser } from './browser.ts';

useBrowser();

const nf4: WeightsChoice = { name: 'nf4_nested', embeddings: false };

/** The run's fields that ask for these weights, as the engine spells them. */
async function fieldsOf(engine: Engine, wanted: WeightsChoice): Promise<RunFields> {
  const choices = await engine.pricedWeights();
  const found = choices.find(({ name, embeddings }) => name === wanted.name && embeddings === wanted.embeddings);
  return found?.fields ?? {};
}

const ask = (engine: Engine, adapterId: string | undefined, weights?: WeightsChoice) =>
  engine.generate(
    {
      adapterId,
      weights,
      messages: [{ role: 'user', content: 'Where is the harbour?' }],
      raw: false,
      maxNewTokens: 8,
      temperature: 0,
      topP: 1,
      seed: 0,
    },
    ignore,
  );

describe('quantised backbones in the studio', () => {
  it('compares weights and measures held-out rows before and after', async () => {
    const engine = openPage();
    const fields = await openSample(engine, { val_split_ratio: 0.2 });
    const quantising = { ...fields, ...(await fieldsOf(engine, nf4)) };
    const told: Progress[] = [];
    const errors = await engine.compareWeights(quantising, (progress) => told.push(progress));
    expect(errors).toHaveLength(5 * 7);
    expect(told.at(-1)).toEqual({ phase: 'compare', done: 35, total: 35, unit: 'weights' });
    expect(errors[0]).toMatchObject({ layer: 'model.layers.0', role: 'attention' });
    const before = await engine.measureQuality(
      { ...fields, ...(await fieldsOf(engine, { ...nf4, name: 'stored' })) },
      ignore,
    );
    const after = await engine.measureQuality(quantising, ignore);
    expect(before).toMatchObject({ task: 'CAUSAL_LM', rows: 8, scores: {} });
    expect(before.perplexity).toBeCloseTo(Math.exp(before.loss), 6);
    expect(after.loss).not.toBe(before.loss);
    expect(Math.abs(after.loss - before.loss)).toBeLessThan(0.3);
    await expect(engine.measureQuality({ ...quantising, val_split_ratio: 0 }, ignore)).rejects.toThrow(
      /No rows are held out/,
    );
  });

  it('stops a measurement that somebody stops, and one that a run needs the GPU for', async () => {
    const engine = openPage();
    await engine.describeStorage(); // which takes the library's lock, so that the run need not wait for it
    const fields = await openSample(engine, { max_steps: 1, batch_size: 1, val_split_ratio: 0.9 });
    const stopped = engine.measureQuality(
      fields,
      ({ phase }) => phase === 'measure' && void engine.stopQuantising('measure'),
    );
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    let run: Promise<unknown> | undefined;
    const overtaken = engine.measureQuality(fields, ({ phase }) => {
      if (phase === 'measure') run ??= engine.startRun(fields, ignore);
    });
    await expect(overtaken).rejects.toMatchObject({ name: 'AbortError' });
    await expect(run).resolves.toMatchObject({ status: 'finished' });
  });

  it('tries an adapter on the weights that it was trained on, beside the base on the same', async () => {
    const engine = openPage();
    const fields = await openSample(engine, { max_steps: 5, learning_rate: 0.03 });
    const { adapterId = '' } = await engine.startRun({ ...fields, ...(await fieldsOf(engine, nf4)) }, ignore);
    const [adapter] = await engine.listAdapters();
    expect(adapter).toMatchObject({ id: adapterId, weights: nf4 });
    const answers = { tuned: await ask(engine, adapterId), base: await ask(engine, undefined, nf4) };
    expect(answers.tuned.text).not.toBe(answers.base.text);

    const copy = await engine.keepQuantised(await fieldsOf(engine, nf4), false, ignore);
    expect(copy).toMatchObject({ name: 'Graft sample (NF4, double quantised)', isStored: true });
    expect(copy.weights.find(({ role }) => role === 'attention')).toMatchObject({ isFloat: false });
    expect((await ask(engine, adapterId)).text).toBe(answers.tuned.text);
    expect((await ask(engine, undefined)).text).toBe(answers.base.text);

    const later = openPage();
    await later.openStoredModel(copy.id, ignore);
    expect((await ask(later, adapterId)).text).toBe(answers.tuned.text);
    const imported = await later.importAdapter([await adapterZip(later, adapterId)]);
    expect(imported.weights).toEqual(nf4);
  });

  it('writes no copy of another model than was open when it was asked for', async () => {
    const engine = openPage();
    await openSample(engine);
    const fields = await fieldsOf(engine, { name: 'int8', embeddings: false });
    const copy = await engine.keepQuantised(fields, false, ignore);
    await engine.openSample(ignore);
    const persist = async () => {
      await engine.openStoredModel(copy.id, ignore); // while the browser asks whether it may store so much
      return true;
    };
    Object.assign(navigator, { storage: { persist } });
    try {
      await expect(engine.keepQuantised(fields, true, ignore)).rejects.toThrow(/Another model was opened/);
    } finally {
      Object.assign(navigator, { storage: undefined });
    }
    expect((await engine.listModels()).map(({ id }) => id)).toContain(copy.id);
  });

  it('is offered where a run does not fit, and only where the weights are floats', async () => {
    const engine = openPage();
    const fields = await openSample(engine);
    Object.assign(navigator, { deviceMemory: 0.002 });
    try {
      const estimate = await engine.estimate(fields);
      const remedy = estimate.remedies.find(({ label }) => label === 'Frozen weights in 4 bits (NF4)');
      expect(estimate.verdict).toBe('exceeds');
      expect(remedy?.fields).toEqual(await fieldsOf(engine, nf4));
      expect((await engine.estimate({ ...fields, ...remedy?.fields })).total).toBe(remedy?.total);
      const labels = async (run: RunFields) => (await engine.estimate(run)).remedies.map(({ label }) => label);
      expect(await labels({ ...fields, ...remedy?.fields })).not.toContain(remedy?.label);
      expect(await labels({ peft_type: 'FULL', batch_size: 2 })).not.toContain(remedy?.label);
    } finally {
      Object.assign(navigator, { deviceMemory: undefined });
    }
  });

  it('resumes a quantised run after a reload as if it had never stopped', async () => {
    const first = openPage();
    const sample = await openSample(first, { max_steps: 6, val_split_ratio: 0.1 });
    const fields = { ...sample, ...(await fieldsOf(first, nf4)) };
    const whole: RunEvent[] = [];
    await first.startRun(fields, collect(whole));
    const stopped = await first.startRun(
      fields,
      collect([], isStep(3), () => first.stop(true)),
    );
    const second = openPage();
    const resumed = await second.resumeRun(stopped.id, ignore);
    expect(resumed).toMatchObject({ status: 'finished', step: 6 });
    expect(lossesOf(await second.runMetrics(stopped.id))).toEqual(lossesOf(pointsOf(whole)));
  });

  it('tells how far the start on the rows has come', async () => {
    const engine = openPage();
    const fields = await openSample(engine, { max_steps: 1, init_lora_weights: 'eva', r: 4 });
    const events: RunEvent[] = [];
    await engine.startRun(fields, collect(events));
    const told = events.flatMap((event) => (event.kind === 'progress' ? [event.progress] : []));
    const start = told.filter(({ phase }) => phase === 'start');
    expect(start.length).toBeGreaterThan(1);
    expect(start.at(-1)).toMatchObject({ unit: 'batches', done: start.at(-1)?.total });
    expect(told.findIndex(({ phase }) => phase === 'start')).toBeLessThan(
      told.findIndex(({ phase }) => phase === 'compile'),
    );
  });
});

async function adapterZip(engine: Engine, id: string) {
  const { name, blob } = await engine.exportAdapter(id);
  return { path: name, blob };
}
