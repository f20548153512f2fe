// Where the time of a training step goes, kernel by kernel.
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collate, type Batch } from '../../src/data/collate.ts';
import { LoadedModel } from '../../src/engine/loadedModel.ts';
import { openPath, readRunFile } from '../../src/engine/nodeFiles.ts';
import { prepareData } from '../../src/engine/preparedData.ts';
import { prepareRun } from '../../src/engine/preparedRun.ts';
import { tokenBucket } from '../../src/engine/runBatches.ts';
import { fileSource } from '../../src/formats/nodeFiles.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Dispatch } from '../../src/gpu/kernel.ts';
import { profile, type KernelTime } from '../../src/gpu/timing.ts';
import { ParameterSpace } from '../../src/peft/parameterSpace.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { readArguments } from '../arguments.ts';
import { openBenchmarkGpu, sleepUntil } from '../nodeGpu.ts';
import { printTable } from '../table.ts';

const sampleRun = fileURLToPath(new URL('../../public/demo/run.yaml', import.meta.url));

/** A chat template of another model may be longer than the sample's rows. */
const otherModel = { max_length: 64, batch_size: 2 };

/** One step of the sample run (LoRA on q_proj and v_proj), on the sample's model or on that of `modelPath`. */
async function profileStep(gpu: Gpu, modelPath: string | undefined): Promise<void> {
  const fields: Record<string, unknown> = { ...(await readRunFile(sampleRun)), ...(modelPath && otherModel) };
  const path = modelPath ?? String(fields['model']);
  const model = await LoadedModel.open(await openPath(path), modelPath ? basename(modelPath) : 'the sample model');
  const { run, model: ready, adapter, initial } = await prepareRun(model, fields);
  const { maxLength, lossOn } = run;
  const { rows } = await prepareData(
    await fileSource(String(fields['dataset'])),
    { model: ready, labels: undefined },
    {
      maxLength,
      lossOn,
    },
  );
  const batch = collate(rows.slice(0, run.training.batchSize), tokenBucket);

  const weights = await model.weightsOn(gpu);
  const space = new ParameterSpace(gpu, adapter.parameters, [
    'parameters',
    'gradients',
    'firstMoments',
    'secondMoments',
  ]);
  for (const [name, values] of initial) space.write('parameters', name, values);
  const { description, catalog } = model.checkpoint;
  const lossModel = { description, catalog, adapter: adapter.hooks, positions: model.positions };
  const trainer = new Trainer(gpu, weights, lossModel, adapter, space, run.training, 0);
  await trainer.prepare(batch, false);
  const { dispatches, milliseconds } = await timeSteps(trainer, batch);
  print(
    model.checkpoint.name,
    batch,
    milliseconds,
    dispatches.length,
    await sleepUntil(profile(gpu.device, dispatches)),
  );
  trainer.destroy();
  space.destroy();
  model.unload();
}

const steps = 3;

/** The least time of a step as training replays it, and what it replays. The first step, where drivers compile, is not counted. */
async function timeSteps(trainer: Trainer, batch: Batch): Promise<{ dispatches: Dispatch[]; milliseconds: number }> {
  const { submitter } = trainer.runtime;
  const replay = submitter.replay.bind(submitter);
  let dispatches: Dispatch[] = [];
  submitter.replay = (part) => {
    dispatches.push(...part);
    return replay(part);
  };
  let milliseconds = Infinity;
  for (let step = 1; step <= steps + 1; step++) {
    dispatches = [];
    const start = performance.now();
    await sleepUntil(trainer.step([batch], step, 1e-4).then(() => submitter.idle()));
    if (step > 1) milliseconds = Math.min(milliseconds, performance.now() - start);
  }
  return { dispatches, milliseconds };
}

function print(
  name: string,
  batch: Batch,
  milliseconds: number,
  dispatches: number,
  times: readonly KernelTime[],
): void {
  const total = times.reduce((sum, time) => sum + time.milliseconds, 0);
  const flops = times.reduce((sum, time) => sum + time.flops, 0);
  const row = (kernel: string, count: number, time: number, work: number) => [
    kernel,
    String(count),
    time.toFixed(1),
    `${((100 * time) / total).toFixed(1)} %`,
    work === 0 || time === 0 ? '' : (work / time / 1e6).toFixed(2),
  ];
  printTable(
    `A training step of ${name}, ${batch.batchSize}×${batch.tokens} tokens: ${milliseconds.toFixed(0)} ms, ${(flops / milliseconds / 1e6).toFixed(2)} GFLOP/s`,
    ['kernel, timed alone', 'dispatches', 'ms', 'share', 'GFLOP/s'],
    [
      ...byModule(times).map((time) => row(time.kernel, time.dispatches, time.milliseconds, time.flops)),
      row('all', dispatches, total, flops),
    ],
  );
}

/** Sums the variants of a kernel; kernels that read a stored format are kept apart by it. */
function byModule(times: readonly KernelTime[]): KernelTime[] {
  const sums = new Map<string, KernelTime>();
  for (const time of times) {
    const [module = '', , , plugins = ''] = time.kernel.split('|');
    const kernel = [module, ...plugins.split(',').flatMap((plugin) => plugin.split('=')[1] ?? [])].join(' · ');
    const sum = sums.get(kernel) ?? { kernel, dispatches: 0, milliseconds: 0, flops: 0 };
    sums.set(kernel, {
      kernel,
      dispatches: sum.dispatches + time.dispatches,
      milliseconds: sum.milliseconds + time.milliseconds,
      flops: sum.flops + time.flops,
    });
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

const { model } = readArguments(process.argv.slice(2));
const gpu = await openBenchmarkGpu();
console.log(`\nNode, ${gpu.description.name}`);
await profileStep(gpu, undefined);
if (model) await profileStep(gpu, model);
process.exit(0);
