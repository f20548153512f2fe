/** An adapter folder as Hugging Face PEFT saves it: adapter_config.json and adapter_model.safetensors. */
import type { AdapterFolder } from './adapterContent.ts';
import type { FileSet } from './byteSource.ts';
import { UserError } from './errors.ts';
import type { FloatTensor } from './floatTensors.ts';
import { findNonFinite, readFloatTensors } from './floatTensors.ts';
import { writeSafetensors } from './safetensorsWriter.ts';

/** the adapter's own tensors; other safetensors files may lie beside them */
export const peftWeights = 'adapter_model.safetensors';

/**
 * Keys as in the file: `base_model.model.<module path>.lora_A.weight`. A prompt encoder may lie beside the adapter.
 * @param config of the folder, read already
 */
export async function readPeftFolder(
  files: FileSet,
  config: Readonly<Record<string, unknown>>,
): Promise<AdapterFolder> {
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
  const beside = new Map<string, Map<string, FloatTensor>>();
  for (const [path, source] of files)
    if (path.endsWith('.safetensors') && path !== peftWeights) beside.set(path, await readFloatTensors(source));
  return { config, tensors, beside };
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
  return new Map([['adapter_config.json', new TextEncoder().encode(JSON.stringify(sorted, null, 2))], ...files]);
}
