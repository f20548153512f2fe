import type { ModuleInfo } from '../models/family.ts';
import type { Adapter, CheckpointFacts, MethodFields } from './method.ts';
import { keyPrefix, taskHeads } from './savedModules.ts';
import { isAllLinear } from './targets.ts';

/**
 * What PEFT's tuners write alike: the config with the fields that every one has, 'all-linear' as the paths it stood for, and a copy of
 * the checkpoint's table for a target that is the embedding or the head where PEFT sees that it is (save_embedding_layers="auto").
 */
export function tunerFile(
  peftType: string,
  fields: MethodFields,
  model: CheckpointFacts,
  targets: { readonly named: unknown; readonly modules: readonly ModuleInfo[] },
  heads = taskHeads(model.description),
): Pick<Adapter, 'peftType' | 'config' | 'baseTensors' | 'ignoresKey'> {
  const { named, modules } = targets;
  const { embeddingPath, headPath } = model.description;
  const wide = namesTable(named, modules)
    ? modules.filter(({ path }) => path === embeddingPath || path === headPath)
    : [];
  return {
    peftType,
    config: {
      peft_type: peftType,
      task_type: model.taskType,
      base_model_name_or_path: model.baseModelName,
      inference_mode: true,
      // PEFT's dispatchers set it at every target, so that the last decides
      fan_in_fan_out: modules.findLast(({ kind }) => kind === 'linear')?.isConv1d ?? false,
      ...fields,
      target_modules: isAllLinear(named) ? modules.map(({ path }) => path) : named,
      ...(heads.length > 0 && {
        modules_to_save: [...new Set([...[fields['modules_to_save'] ?? []].flat(), ...heads])],
      }),
    },
    baseTensors: new Map(wide.map(({ path }) => [`${keyPrefix}${path}.base_layer.weight`, `${path}.weight`])),
    // with biases "all" PEFT writes those of a module that is trained whole under its wrapper's names too
    ignoresKey: (key) => /\.base_layer\.weight$|\.(original_module|modules_to_save)\.(.+\.)?bias$/.test(key),
  };
}

/** PEFT looks for these names alone (EMBEDDING_LAYER_NAMES): literally in a list, among what a regular expression matches. */
function namesTable(named: unknown, modules: readonly ModuleInfo[]): boolean {
  const tables = ['embed_tokens', 'lm_head'];
  if (isAllLinear(named)) return false;
  if (typeof named === 'string') return modules.some(({ path }) => tables.includes(path.split('.').at(-1) ?? path));
  return tables.some((table) => [named].flat().includes(table));
}
