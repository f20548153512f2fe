import { unzipSync } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../src/engine/api.ts';
import { StorageFull } from '../../src/storage/errors.ts';
import { Checkpoints } from '../../src/storage/checkpoints.ts';
import { collect, ignore, isStep, lossesOf, openPage, openSample, pointsOf, useBrowser } from './browser.ts';

const browser = useBrowser();
const kinds = (events: readonly RunEvent[], kind: RunEvent['kind']) => events.filter((event) => event.kind === kind);

describe('the engine behind the studio', () => {
  it('trains the sample, answers otherwise with the adapter than without, and exports it', async () => {
    const engine = openPage();
    const fields = await openSample(engine, { max_steps: 12, learning_rate: 0.02 });
    expect(await engine.describeGpu()).toMatchObject({ available: true, isSoftware: true });
    const estimate = await engine.estimate(fields);
    expect(estimate.trainableParameters).toBe(5 * 8 * (128 + 128 + 128 + 64));

    const events: RunEvent[] = [];
    const summary = await engine.startRun(fields, collect(events));
    expect(summary).toMatchObject({ status: 'finished', step: 12, totalSteps: 12 });
    expect(kinds(events, 'status').map((event) => event.kind === 'status' && event.status)).toEqual([
      'preparing',
      'running',
      'finished',
    ]);
    expect(pointsOf(events).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(pointsOf(events).at(-1)?.loss).toBeLessThan(pointsOf(events)[0]?.loss ?? 0);
    expect(await engine.runMetrics(summary.id)).toEqual(pointsOf(events));
    expect(await engine.listRuns()).toMatchObject([{ id: summary.id, status: 'finished', checkpointStep: 12 }]);
    await expect(engine.resumeRun(summary.id, ignore)).rejects.toThrow(/done all its steps/);

    const ask = (adapterId?: string) =>
      engine.generate(
        {
          adapterId,
          messages: [{ role: 'user', content: 'Where is the harbour?' }],
          raw: false,
          maxNewTokens: 12,
          temperature: 0,
          topP: 1,
          seed: 0,
        },
        ignore,
      );
    const base = await ask();
    const tuned = await ask(summary.adapterId);
    expect(tuned.text).not.toBe(base.text);
    expect((await ask()).text).toBe(base.text);

    const { name, blob } = await engine.exportAdapter(summary.adapterId ?? '');
    expect(name).toMatch(/\.zip$/);
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    expect(Object.keys(files).sort()).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'metrics.jsonl',
      'run.yaml',
    ]);
    const config = JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as Record<string, unknown>;
    expect(config).toMatchObject({ peft_type: 'LORA', r: 8, lora_alpha: 16, init_lora_weights: true });
  });

  it('ends an answer that is being written where a run starts', async () => {
    const engine = openPage();
    const fields = await openSample(engine, { max_steps: 1 });
    let run: Promise<unknown> | undefined;
    const answer = await engine.generate(
      {
        messages: [{ role: 'user', content: 'Tell me a story.' }],
        raw: false,
        maxNewTokens: 200,
        temperature: 1,
        topP: 1,
        seed: 3,
      },
      () => (run ??= engine.startRun(fields, ignore)),
    );
    expect(answer.stopped).toBe('cancelled');
    await expect(run).resolves.toMatchObject({ status: 'finished' });
  });

  it('resumes after a reload as if it had never stopped, and keeps an adapter for each end', async () => {
    const whole: RunEvent[] = [];
    const first = openPage();
    const fields = await openSample(first, {
      max_steps: 10,
      lora_dropout: 0.1,
      shuffle: true,
      val_split_ratio: 0.1,
      eval_steps: 2,
    });
    await first.startRun(fields, collect(whole));

    const events: RunEvent[] = [];
    const stopped = await first.startRun(
      fields,
      collect(events, isStep(3), () => first.stop(true)),
    );
    expect(stopped.status).toBe('stopped');
    expect(stopped.step).toBeGreaterThanOrEqual(3);
    expect(stopped.step).toBeLessThan(10);

    const second = openPage();
    const listed = (await second.listRuns()).find(({ id }) => id === stopped.id);
    expect(listed).toMatchObject({ status: 'stopped', adapterId: stopped.adapterId, checkpointStep: stopped.step });
    const resumed = await second.resumeRun(stopped.id, collect([]));
    expect(resumed).toMatchObject({ status: 'finished', step: 10, createdAt: listed?.createdAt });
    const log = await second.runMetrics(stopped.id);
    expect(lossesOf(log)).toEqual(lossesOf(pointsOf(whole)));
    expect(log.map(({ evalLoss }) => evalLoss)).toEqual(pointsOf(whole).map(({ evalLoss }) => evalLoss));
    expect(log.map(({ time }) => time)).toEqual(log.map(({ time }) => time).sort((a, b) => a - b));
    expect(log.map(({ tokens }) => tokens)).toEqual(log.map(({ tokens }) => tokens).sort((a, b) => a - b));
    const adapters = (await second.listAdapters()).filter(({ runId }) => runId === stopped.id);
    expect(adapters.map(({ id }) => id).sort()).toEqual([stopped.adapterId, resumed.adapterId].sort());
  });

  it('leaves nothing of a run that is discarded, and ends one that is stopped before its first step', async () => {
    const engine = openPage();
    const fields = await openSample(engine);
    const discarded = await engine.startRun(
      fields,
      collect([], isStep(2), () => engine.stop(false)),
    );
    expect(discarded).toMatchObject({ status: 'stopped' });
    expect(discarded.adapterId).toBeUndefined();
    expect((await engine.listRuns()).map(({ id }) => id)).not.toContain(discarded.id);
    expect(await engine.runMetrics(discarded.id)).toEqual([]);

    const early = await engine.startRun(
      fields,
      collect(
        [],
        (event) => event.kind === 'status',
        () => engine.stop(true),
      ),
    );
    expect(early).toMatchObject({ status: 'stopped', step: 0 });
    expect(early.adapterId).toBeUndefined();
  });

  it('waits while it is paused', async () => {
    const engine = openPage();
    const fields = await openSample(engine);
    const events: RunEvent[] = [];
    const run = engine.startRun(
      fields,
      collect(events, isStep(1), () => void engine.pause()),
    );
    await vi.waitFor(() => expect(kinds(events, 'status').at(-1)).toMatchObject({ status: 'paused' }), {
      timeout: 60_000,
    });
    // Steps that were under way may still be told; a run that went on would soon reach its sixth and end.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(kinds(events, 'metric').length).toBeLessThan(6);
    expect(kinds(events, 'status').at(-1)).toMatchObject({ status: 'paused' });
    await engine.unpause();
    await expect(run).resolves.toMatchObject({ status: 'finished', step: 6 });
  });

  it('goes on from the last checkpoint when the GPU is lost, without telling a step twice', async () => {
    const engine = openPage();
    const fields = await openSample(engine);
    const whole: RunEvent[] = [];
    await engine.startRun(fields, collect(whole));
    const events: RunEvent[] = [];
    const summary = await engine.startRun(
      fields,
      collect(events, isStep(3), () => browser.devices.at(-1)?.lose('driver reset')),
    );
    expect(summary).toMatchObject({ status: 'finished', step: 6 });
    expect(kinds(events, 'notice')).toEqual([
      { kind: 'notice', message: expect.stringMatching(/The GPU was lost; the run goes on from step [24]/) as string },
    ]);
    expect(lossesOf(await engine.runMetrics(summary.id))).toEqual(lossesOf(pointsOf(whole)));
  });

  it('says that the GPU was lost while it answered, and answers again on the next', async () => {
    const engine = openPage();
    await openSample(engine);
    const request = {
      messages: [{ role: 'user', content: 'Tell me a story.' }],
      ...{ raw: false, maxNewTokens: 30, temperature: 0, topP: 1, seed: 0 },
    };
    const expected = await engine.generate({ ...request, maxNewTokens: 5 }, ignore);
    const current = browser.devices.at(-1);
    const lost = engine.generate(request, () => current?.lose('driver reset'));
    await expect(lost).rejects.toMatchObject({ name: 'DeviceLost', message: 'The GPU was lost (driver reset).' });
    const opened = browser.devices.length;
    expect((await engine.generate({ ...request, maxNewTokens: 5 }, ignore)).text).toBe(expected.text);
    expect(browser.devices).toHaveLength(opened + 1);
  });

  it('goes on from memory when the storage is full, and says so once', async () => {
    const engine = openPage();
    const fields = await openSample(engine);
    const save = vi.spyOn(Checkpoints.prototype, 'save').mockRejectedValue(new StorageFull('There is no room left.'));
    const events: RunEvent[] = [];
    const summary = await engine.startRun(fields, collect(events));
    save.mockRestore();
    expect(summary).toMatchObject({ status: 'finished', step: 6 });
    expect(kinds(events, 'notice')).toHaveLength(1);
    expect(kinds(events, 'checkpoint').every((event) => event.kind === 'checkpoint' && !event.stored)).toBe(true);
    expect((await engine.exportAdapter(summary.adapterId ?? '')).blob.size).toBeGreaterThan(1000);
  });

  it('stops at a loss that is no number, names the step, and keeps what it had', async () => {
    const engine = openPage();
    const fields = await openSample(engine, {
      learning_rate: 10,
      max_grad_norm: 0,
      lora_alpha: 1e30,
      lr_scheduler_type: 'constant',
    });
    const events: RunEvent[] = [];
    await expect(engine.startRun(fields, collect(events))).rejects.toThrow(
      /The (loss|gradient norm) of step \d+ is not a finite number/,
    );
    expect(kinds(events, 'status').at(-1)).toMatchObject({ status: 'failed' });
    const [run] = await engine.listRuns();
    expect(run).toMatchObject({ status: 'failed', error: expect.stringContaining('is not a finite number') as string });
    for (const { loss } of pointsOf(events)) expect(Number.isFinite(loss)).toBe(true);
  });

  it('refuses a run and the library where another tab holds it', async () => {
    vi.resetModules();
    const stolen = { request: (_: string, __: object, use: (lock: null) => unknown) => Promise.resolve(use(null)) };
    vi.stubGlobal('navigator', { ...globalThis.navigator, gpu: globalThis.navigator.gpu, locks: stolen });
    const { openPage: openAnother } = await import('./browser.ts');
    const engine = openAnother();
    expect(await engine.describeStorage()).toMatchObject({ heldElsewhere: true });
    await expect(engine.startRun({}, ignore)).rejects.toThrow(/another tab/);
    await expect(engine.deleteRun('any')).rejects.toThrow(/another tab/);
  });
});
