import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../formats/errors.ts';
import { quantisedFolder } from '../models/quantisedFolder.ts';
import { filesBesideWeights, jsonBytes } from './besideWeights.ts';
import type { ModelChoice } from './nodeCommands.ts';
import { claimFolder, writeFolder } from './nodeFiles.ts';
import { openModelAt, type Say } from './nodeOpen.ts';
import { quantisationErrors } from './quantisationErrors.ts';
import { writePieces } from './nodeWeights.ts';

/**
 * Writes the model quantised as a run file says: a folder that Graft and Transformers with bitsandbytes open as it is. Tells the mean
 * relative error of its weights, and which of them loses most.
 */
export async function quantiseCommand(
  { model: path, quantisation }: ModelChoice,
  output: string,
  say: Say,
): Promise<Record<string, unknown>> {
  if (!quantisation)
    throw new UserError('The run file does not say how to quantise: add load_in_4bit: true or load_in_8bit: true.');
  const model = await openModelAt(path);
  const errors = [];
  for await (const error of quantisationErrors(model.checkpoint, quantisation)) errors.push(error);
  const { checkpoint } = model.quantised(quantisation);
  const { config, plan, bytes } = quantisedFolder(checkpoint);
  const release = await claimFolder(output);
  try {
    if ((await realpath(path)) === (await realpath(output)))
      throw new UserError(`--output ${output} is the folder that is read from. Choose another.`);
    await writePieces(join(output, 'model.safetensors'), plan.header, bytes());
    const { files, missing } = await filesBesideWeights(checkpoint);
    files.set('config.json', jsonBytes(config));
    await writeFolder(output, files);
    if (missing !== undefined) say(`no tokenizer was written: ${missing}`);
  } finally {
    await release();
  }
  const mean = errors.reduce((sum, { relativeError }) => sum + relativeError, 0) / Math.max(1, errors.length);
  const worst = errors.toSorted((a, b) => b.relativeError - a.relativeError)[0];
  return { output, bytes: plan.byteLength, weights: errors.length, relative_error: mean, worst };
}
