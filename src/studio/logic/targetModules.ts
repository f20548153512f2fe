import type { ModelCard } from '../../engine/api.ts';

type TargetModule = ModelCard['targetModules'][number];

export interface ModuleGroup {
  readonly name: string;
  readonly modules: readonly TargetModule[];
}

const inAttention = /attn|attention/i;
const projection = /(^|[._])(q|k|v|o|qkv|query|key|value|out)(_proj|_lin)?$/i;
const inFeedForward = /mlp|ffn|feed_?forward|gate|(up|down)_proj|fc|intermediate|output\.dense|lin[12]|dense_/i;

/** A block's name for the sublayer decides ('attn.c_proj', 'mlp.c_proj'); a bare projection goes by its own name. */
function kindOf(name: string): string {
  if (inAttention.test(name)) return 'Attention';
  if (inFeedForward.test(name)) return 'Feed-forward';
  return projection.test(name) ? 'Attention' : 'Other';
}

/** The linears of a model by what they do, in the order a block runs them; groups without members are left out. */
export function moduleGroups(modules: readonly TargetModule[]): readonly ModuleGroup[] {
  return ['Attention', 'Feed-forward', 'Other']
    .map((name) => ({ name, modules: modules.filter((module) => kindOf(module.name) === name) }))
    .filter((group) => group.modules.length > 0);
}

/** PEFT's word for every linear but the head. */
const allLinear = 'all-linear';
const isHead = /(^|\.)(lm_head|embed_out|score|classifier)$/;

export interface ModulePreset {
  readonly label: string;
  /** null: what the engine takes by default for this family */
  readonly value: readonly string[] | typeof allLinear | null;
}

export function modulePresets(modules: readonly TargetModule[]): readonly ModulePreset[] {
  const attentionOnly = moduleGroups(modules).find((group) => group.name === 'Attention');
  return [
    { label: 'Family default', value: null },
    ...(attentionOnly ? [{ label: 'Attention', value: attentionOnly.modules.map((module) => module.name) }] : []),
    { label: 'All linear layers', value: allLinear },
  ];
}

/** A value of the run file as names: 'all-linear' and null stand for sets that the form shows as presets. */
export function selectedModules(value: unknown, modules: readonly TargetModule[]): readonly string[] {
  if (value === allLinear) return modules.map((module) => module.name).filter((name) => !isHead.test(name));
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
}
