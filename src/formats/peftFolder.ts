/** An adapter folder as Hugging Face PEFT saves it: adapter_config.json and adapter_model.safetensors. */
import type { FileSet } from './byteSource.ts';
import { readJson } from './byteSource.ts';
import { UserError } from './errors.ts';
import { stripCommonFolder } from './fileSet.ts';
import type { FloatTensor } from './floatTensors.ts';
import { findNonFinite, readFloatTensors } from './floatTensors.ts';
import { writeSafetensors } from './safetensorsWriter.ts';

export interface PeftFolder {
  /** adapter_config.json; `peft_type` is a string, the rest is for the method to check */
  readonly config: Readonly<Record<string, unknown>>;
  /** keyed as in the file: `base_model.model.<module path>.lora_A.weight` */
  readonly tensors: ReadonlyMap<string, FloatTensor>;
  /** the folder's files by their path in it: a prompt encoder or a tokenizer may lie beside the adapter */
  readonly files: FileSet;
}

const CONFIG = 'adapter_config.json';
/** the adapter's own tensors; other safetensors files may lie beside them */
export const peftWeights = 'adapter_model.safetensors';

/** True for a folder that holds a PEFT adapter, or AdapterHub's, which has a config of the same name. */
export function hasAdapterConfig(files: FileSet): boolean {
  return stripCommonFolder(files).has(CONFIG);
}

/** Reads an adapter whole, as f32. Every refusal is a UserError that names the file. */
export async function readPeftFolder(dropped: FileSet): Promise<PeftFolder> {
  const files = stripCommonFolder(dropped);
  const configFile = files.get(CONFIG);
  if (!configFile)
    throw new UserError(`The folder has no ${CONFIG}. Choose the folder that holds ${CONFIG} and ${peftWeights}.`);
  const config = await readJson(configFile);
  if (
    typeof config !== 'object' ||
    config === null ||
    !('peft_type' in config) ||
    typeof config.peft_type !== 'string'
  ) {
    const isAdapterHub = typeof config === 'object' && config !== null && 'model_class' in config;
    throw new UserError(
      isAdapterHub
        ? `${configFile.name} is of an AdapterHub adapter, which Graft does not read. Choose an adapter that PEFT saved.`
        : `${configFile.name} has no peft_type, so it is not an adapter that PEFT saved. Choose another folder.`,
    );
  }
  const weights = files.get(peftWeights);
  if (!weights) {
    const pickled = files.has('adapter_model.bin')
      ? ' It has adapter_model.bin, which Graft does not read because pickled files can run code.'
      : '';
    throw new UserError(`The folder has no ${peftWeights}.${pickled} Save the adapter with safe_serialization=True.`);
  }
  const tensors = await readFloatTensors(weights);
  const broken = findNonFinite(tensors);
  if (broken !== undefined)
    throw new UserError(
      `${broken} in ${weights.name} holds values that are not finite: the adapter is spoilt. Choose an earlier checkpoint.`,
    );
  return { config: { ...config }, tensors, files };
}

/**
 * The files of an adapter, by name: the config with sorted keys and the weights in f32, as PEFT writes them, and what lies beside them
 * by file name. Throws a UserError where a weight is not finite: such an adapter would spoil every model that loads it.
 */
export function writePeftFolder(
  config: Readonly<Record<string, unknown>>,
  tensors: ReadonlyMap<string, FloatTensor>,
  beside: ReadonlyMap<string, ReadonlyMap<string, FloatTensor>> = new Map(),
): Map<string, Uint8Array<ArrayBuffer>> {
  const weights = new Map([[peftWeights, tensors], ...beside]);
  const broken = [...weights.values()].map(findNonFinite).find((name) => name !== undefined);
  if (broken !== undefined) {
    throw new UserError(
      `${broken} holds values that are not finite, so no adapter was written. Go back to an earlier checkpoint or lower learning_rate.`,
    );
  }
  const sorted = Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
  const files = [...weights].map(([file, held]) => {
    const list = [...held].map(([name, { shape, data }]) => ({ name, shape, data }));
    return [file, writeSafetensors(list)] as const;
  });
  return new Map([[CONFIG, new TextEncoder().encode(JSON.stringify(sorted, null, 2))], ...files]);
}
