import { UserError } from '../../formats/errors.ts';
import type { ModuleInfo } from '../../models/family.ts';
import type { CheckpointFacts, MethodFields } from '../method.ts';
import { refuseWideRank } from '../tuner.ts';
import { evaSettings } from './evaSettings.ts';
import { checkLoftq } from './loftq.ts';
import { takesFromWeight, type Start } from './start.ts';

/** Throws a UserError for settings that contradict each other. */
export function checkLoraFields(fields: MethodFields, model: CheckpointFacts): void {
  const start = fields['init_lora_weights'] as Start;
  if (fields['lora_bias'] === true && fields['use_dora'] === true)
    throw new UserError('lora_bias: DoRA has no bias on B. Set lora_bias: false, or use_dora: false.');
  if (fields['lora_bias'] === true && typeof start === 'string')
    throw new UserError(
      `lora_bias works with init_lora_weights true or false only, not with ${start}. Set lora_bias: false, or init_lora_weights: true.`,
    );
  if (start === 'loftq') checkLoftq(fields, model);
  if (start === 'eva') evaSettings(fields);
  for (const [name, idle] of [
    ['dora_magnitude_freeze_steps', 0],
    ['dora_magnitude_lr_ratio', 1],
  ] as const)
    if (fields['use_dora'] !== true && fields[name] !== idle)
      throw new UserError(`${name}: there is a magnitude in DoRA only. Set use_dora: true, or leave ${name} out.`);
}

/** Throws a UserError where a module cannot have an update of this rank and start, with the nearest that works. */
export function checkLoraModule(fields: MethodFields, module: ModuleInfo, rank: number): void {
  const { path, kind, inFeatures, outFeatures, isConv1d } = module;
  const start = fields['init_lora_weights'] as Start;
  const smaller = Math.min(inFeatures, outFeatures);
  const width = `${path} is [${outFeatures}, ${inFeatures}]`;
  if (kind === 'embedding' && fields['lora_bias'] === true)
    throw new UserError(
      `lora_bias: an update of the embedding ${path} has no bias. Leave it out of target_modules, or set lora_bias: false.`,
    );
  if (kind === 'embedding' && start === 'loftq')
    throw new UserError(
      `init_lora_weights: loftq corrects linear layers, and ${path} is an embedding. Leave it out of target_modules, or give init_lora_weights: true.`,
    );
  refuseWideRank('r', rank, module);
  if (kind === 'embedding') return;
  if (kind === 'patches' && (fields['use_dora'] === true || (typeof start === 'string' && start !== 'gaussian')))
    throw new UserError(
      `target_modules: on the convolution ${path} LoRA works as it is, without use_dora and from init_lora_weights true, false or gaussian. Set these, or leave it out.`,
    );
  if ((takesFromWeight(start) || start === 'loftq') && rank > smaller)
    throw new UserError(
      `r: ${rank} is more directions than the weight has, from which ${String(start)} starts: ${width}. Give ${smaller} or less, for this module alone by rank_pattern.`,
    );
  if (takesFromWeight(start) && fields['lora_alpha'] === 0)
    throw new UserError(`lora_alpha: ${String(start)} needs a scale above 0. Give lora_alpha: ${rank}.`);
  if (start === 'olora' && isConv1d === true)
    throw new UserError(
      `init_lora_weights: olora has no meaning for ${path}: it is a Conv1D, whose A and B come out with their sides swapped in PEFT. Use pissa.`,
    );
  if (start === 'orthogonal' && rank % 2 !== 0)
    throw new UserError(
      `r: ${rank} is odd for ${path}, and orthogonal shares the rank between A and B evenly. Give ${rank + 1}.`,
    );
}
