import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { fixedLabels, type LabelMap } from '../data/labels.ts';
import { decodeImageInNode } from '../data/images/nodeImages.ts';
import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import type { Quantisation } from '../quant/quantise.ts';
import { LoadedModel } from './loadedModel.ts';
import { at, fileSource, openPath } from './nodeFiles.ts';
import { prepareData, splitData, type PreparedData } from './preparedData.ts';
import { prepareImages } from './preparedImages.ts';
import { attachAdapter } from './preparedRun.ts';
import type { RunDescription } from './runFields.ts';
import { knownLabels } from './taskModel.ts';

/** Tells a person what is going on; never a result. */
export type Say = (line: string) => void;

/** Lines about single rows that a data set may take; the rest are counted. */
const shownProblems = 20;

/** The model at a path: a folder, or a GGUF file; its linears quantised while they are loaded where that is asked for. */
export async function openModelAt(path: string, quantisation?: Quantisation): Promise<LoadedModel> {
  const files = await openPath(path);
  if (statSync(path).isFile() && !path.toLowerCase().endsWith('.gguf'))
    throw new UserError(`${path} is not a model: a model is a folder with config.json and weights, or a .gguf file.`);
  const model = LoadedModel.open(files, path);
  return at(
    path,
    model.then((opened) => opened.quantised(quantisation)),
  );
}

export async function attachAdapterAt(path: string, model: LoadedModel): ReturnType<typeof attachAdapter> {
  const files = await openPath(path);
  return at(path, attachAdapter(model, files));
}

export interface OpenRows extends ReturnType<typeof splitData> {
  /** of a classifier */
  readonly labels: LabelMap | undefined;
}

/**
 * The run's rows, told about: what was left out and why, how many there are, how many were cut.
 * @param model with the head of the run's task
 */
export async function openRows(run: RunDescription, model: LoadedModel, say: Say): Promise<OpenRows> {
  const { dataset, eval_dataset: evalDataset, val_split_ratio: ratio, seed } = run.fields;
  if (typeof dataset !== 'string' || dataset === '')
    throw new UserError('dataset: no file is named. Give the path of a jsonl, json, csv or txt file.');
  const read = async (path: string, labels = knownLabels(model, run.task)): Promise<PreparedData> => {
    say(`reading ${basename(path)}`);
    const data = await prepareData(await fileSource(path), { model, labels }, run);
    tellProblems(data, say);
    return data;
  };
  const readFolder = async (path: string, labels = knownLabels(model, run.task)) => {
    const images = await prepareImages(basename(path), await openPath(path), { model, labels }, decodeImageInNode);
    tellProblems(images.data, say);
    return images;
  };
  const isImages = model.checkpoint.description.image !== undefined;
  const { data, evaluation: own } = isImages ? await readFolder(dataset) : { data: await read(dataset) };
  const known = data.labels && fixedLabels(data.labels);
  const apart = typeof evalDataset === 'string' && evalDataset !== '' ? evalDataset : undefined;
  const evaluation =
    apart === undefined ? own : isImages ? (await readFolder(apart, known)).data : await read(apart, known);
  const split = splitData(data, evaluation, ratio as number, seed as number);
  const { tokens, learnedTokens, cutRows } = data.report;
  say(
    `${split.rows.length} rows, ${tokens} tokens, ${learnedTokens} learned, ${cutRows.length} cut at ${run.maxLength} tokens; ${split.evalRows.length} rows held out`,
  );
  return { ...split, labels: data.labels };
}

function tellProblems({ name, problems }: PreparedData, say: Say): void {
  for (const { place, message } of problems.slice(0, shownProblems))
    say(`${name}, ${place.unit} ${place.number}: left out; ${message}`);
  const more = problems.length - shownProblems;
  if (more > 0) say(`${name}: ${more} more rows were left out, ${problems.length} in all`);
}

export async function openGpu(say: Say): Promise<Gpu> {
  const gpu = await openNodeGpu();
  say(`GPU: ${gpu.description.name}`);
  gpu.device.addEventListener('uncapturederror', (event) => say(`GPU error: ${event.error.message}`));
  return gpu;
}
