import type { ModuleInfo } from '../models/family.ts';
import type { Adapter, CheckpointFacts, MethodFields } from './method.ts';
import { keyPrefix, taskHeads } from './savedModules.ts';

/**
 * What PEFT's tuners write alike: the config with the fields that every one has, 'all-linear' as the paths it stood for, and a copy of
 * the checkpoint's table for a target that is the embedding or the head (save_embedding_layers="auto").
 */
export function tunerFile(
  peftType: string,
  fields: MethodFields,
  model: CheckpointFacts,
  targets: { readonly named: unknown; readonly modules: readonly ModuleInfo[] },
): Pick<Adapter, 'peftType' | 'config' | 'baseTensors' | 'ignoresKey'> {
  const { named, modules } = targets;
  const heads = taskHeads(model.description);
  const wide = modules.filter(({ kind, path }) => kind === 'embedding' || path === model.description.headPath);
  return {
    peftType,
    config: {
      peft_type: peftType,
      task_type: model.taskType,
      base_model_name_or_path: model.baseModelName,
      inference_mode: true,
      fan_in_fan_out: false,
      ...fields,
      target_modules: named === 'all-linear' ? modules.map(({ path }) => path) : named,
      ...(heads.length > 0 && {
        modules_to_save: [...new Set([...[fields['modules_to_save'] ?? []].flat(), ...heads])],
      }),
    },
    baseTensors: new Map(wide.map(({ path }) => [`${keyPrefix}${path}.base_layer.weight`, `${path}.weight`])),
    ignoresKey: (key) => key.endsWith('.base_layer.weight'),
  };
}
