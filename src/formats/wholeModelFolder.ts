/** A model that was trained whole, as Transformers saves it: config.json and model.safetensors. */
import { wholeModelType, type AdapterFolder } from './adapterContent.ts';
import type { FileSet } from './byteSource.ts';
import { UserError } from './errors.ts';
import { findNonFinite, readFloatTensors } from './floatTensors.ts';
import { writeSafetensors } from './safetensorsWriter.ts';

const weightsFile = 'model.safetensors';

export function isWholeModel(files: FileSet): boolean {
  return files.has('config.json') && files.has(weightsFile);
}

/** What was trained, in the place of the base model's own tensors. */
export async function readWholeModel(files: FileSet): Promise<AdapterFolder> {
  const weights = files.get(weightsFile);
  if (!weights) throw new UserError(`The folder has no ${weightsFile}. Choose the folder of a model that was trained.`);
  return { config: { peft_type: wholeModelType }, tensors: await readFloatTensors(weights) };
}

/** The weights, in f32. Throws a UserError where one is not finite. What lies beside them is the model's. */
export function writeWholeModel({ tensors }: AdapterFolder): Map<string, Uint8Array<ArrayBuffer>> {
  const broken = findNonFinite(tensors);
  if (broken !== undefined)
    throw new UserError(
      `${broken} holds values that are not finite, so no model was written. Go back to an earlier checkpoint or lower learning_rate.`,
    );
  const list = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
  return new Map([[weightsFile, writeSafetensors(list)]]);
}
