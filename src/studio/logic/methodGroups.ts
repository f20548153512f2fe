import type { FieldDescription, MethodDescription } from '../../engine/api.ts';

export type MethodGroup = MethodDescription['group'];

/** In the order in which the form lists them. */
export const methodGroups: readonly { readonly value: MethodGroup; readonly label: string; readonly hint: string }[] = [
  { value: 'lora', label: 'LoRA family', hint: 'A small update beside the weights, which can be merged into them.' },
  { value: 'adapters', label: 'Adapters', hint: 'Small networks between the layers; the weights stay as they are.' },
  {
    value: 'prompts',
    label: 'Prompts',
    hint: 'Learned tokens in front of every row; nothing inside the model changes.',
  },
  { value: 'scaling', label: 'Scaling and selection', hint: 'Factors, biases, norms or tokens: the smallest files.' },
  {
    value: 'orthogonal',
    label: 'Orthogonal and spectral',
    hint: 'Rotations, mirrors and waves in place of low ranks.',
  },
  { value: 'full', label: 'Full', hint: 'The whole model is trained and written: the measure of all others.' },
];

/** A method that a search has found, and the setting that the words were found in where the method itself does not name them. */
export interface FoundMethod {
  readonly method: MethodDescription;
  readonly setting?: FieldDescription;
}

/** Methods whose words hold every word of the query, those that are called so first: 'dora' finds EDoRA, and the DoRA switch of LoRA. */
export function findMethods(methods: readonly MethodDescription[], query: string): readonly FoundMethod[] {
  const words = folded(query).split(/\s+/).filter(Boolean);
  const has = (text: string): boolean => words.every((word) => folded(text).includes(word));
  const named = methods.filter(({ name, peftType }) => has(`${name} ${peftType}`));
  const others = methods.filter((method) => !named.includes(method));
  const withSetting = others.flatMap((method): FoundMethod[] => {
    const setting = method.fields.find((field) =>
      has(`${field.label} ${field.name} ${field.choices?.join(' ') ?? ''}`),
    );
    return setting ? [{ method, setting }] : [];
  });
  const bySetting = new Set(withSetting.map(({ method }) => method));
  const described = others.filter(
    (method) => !bySetting.has(method) && has(`${groupLabel(method.group)} ${method.summary}`),
  );
  return [...named.map((method) => ({ method })), ...withSetting, ...described.map((method) => ({ method }))];
}

/** Whether a method's result is a change of weights, which a LoRA can stand for. */
export function changesWeights({ group }: MethodDescription): boolean {
  return group === 'lora' || group === 'orthogonal' || group === 'scaling';
}

export function groupLabel(group: MethodGroup): string {
  return methodGroups.find(({ value }) => value === group)?.label ?? group;
}

/** '(IA)³' is found by 'ia3'. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s]/gu, '');
}
