import type { AdapterSettings, DataOptions, FieldDescription, MethodDescription, RunFields } from '../../engine/api.ts';

/** Values that differ from the defaults, by field name. A field that is not in here follows its default, also when that moves. */
export type Overrides = Readonly<Record<string, unknown>>;

/** Run fields that have their place on another screen, or name files by path, which a page cannot open. */
const shownElsewhere: ReadonlySet<string> = new Set([
  'model',
  'task_type',
  'problem_type',
  'dataset',
  'eval_dataset',
  'init_adapter',
  'peft_type',
  'max_length',
  'loss_on',
  'val_split_ratio',
]);

export interface Settings {
  readonly methods: readonly MethodDescription[];
  readonly trainingFields: readonly FieldDescription[];
  readonly peftType: string;
  readonly overrides: Overrides;
  /** overrides of the fields of methods that are not chosen now, by peft_type: kept for when they are again */
  readonly shelved: Readonly<Record<string, Overrides>>;
  /** the adapter that the run goes on from: it decides the method and the method's fields */
  readonly continued: ContinuedAdapter | null;
}

export interface ContinuedAdapter extends AdapterSettings {
  readonly id: string;
  readonly name: string;
}

export function methodOf(settings: Settings): MethodDescription | undefined {
  return settings.methods.find((method) => method.peftType === settings.peftType);
}

export function formFields(fields: readonly FieldDescription[]): readonly FieldDescription[] {
  return fields.filter((field) => !shownElsewhere.has(field.name));
}

/** The learning rate follows the method; every other default is the field's own. */
export function defaultOf(field: FieldDescription, method: MethodDescription | undefined): unknown {
  return field.name === 'learning_rate' && method ? method.learningRate : field.default;
}

export function valueOf(field: FieldDescription, settings: Settings): unknown {
  return field.name in settings.overrides ? settings.overrides[field.name] : defaultOf(field, methodOf(settings));
}

/** The method's fields that can be set: where an adapter is continued those that concern the optimizer alone. */
export function methodFields(settings: Settings): readonly FieldDescription[] {
  const fields = methodOf(settings)?.fields ?? [];
  return settings.continued ? fields.filter((field) => field.trainingOnly === true) : fields;
}

/** The fields that the chosen method and the training part show, without those of other methods. */
function activeFields(settings: Settings): readonly FieldDescription[] {
  return formFields([...methodFields(settings), ...settings.trainingFields]);
}

/** Another method: its fields are as they were left, a field of the same name in the one before says nothing of them. */
export function withMethod(settings: Settings, peftType: string): Settings {
  if (peftType === settings.peftType) return settings;
  const { [peftType]: own = {}, ...others } = settings.shelved;
  const names = new Set(methodOf(settings)?.fields.map(({ name }) => name));
  const entries = Object.entries(settings.overrides);
  const left = Object.fromEntries(entries.filter(([name]) => names.has(name)));
  const kept = Object.fromEntries(entries.filter(([name]) => !names.has(name)));
  return { ...settings, peftType, overrides: { ...kept, ...own }, shelved: { ...others, [settings.peftType]: left } };
}

/** Goes on from an adapter, by its method. */
export function continuing(settings: Settings, adapter: ContinuedAdapter): Settings {
  return { ...withMethod(settings, adapter.peftType), continued: adapter };
}

/** Sets one field; a value equal to the default takes the override away. */
export function withValue(field: FieldDescription, value: unknown, settings: Settings): Overrides {
  const { [field.name]: _previous, ...rest } = settings.overrides;
  return sameValue(value, defaultOf(field, methodOf(settings))) ? rest : { ...rest, [field.name]: value };
}

/** Sets several fields by their names; those that the form does not show are left out. */
export function withFields(settings: Settings, fields: RunFields): Settings {
  return activeFields(settings).reduce((changed, field) => {
    if (!(field.name in fields)) return changed;
    return { ...changed, overrides: withValue(field, fields[field.name], changed) };
  }, settings);
}

/** Whether the form stands so; fields that it does not show do not count. */
export function hasSettings(settings: Settings, fields: RunFields): boolean {
  const named = activeFields(settings).filter(({ name }) => name in fields);
  return named.every((field) => sameValue(valueOf(field, settings), fields[field.name]));
}

export function changedFields(settings: Settings): readonly FieldDescription[] {
  return activeFields(settings).filter((field) => field.name in settings.overrides);
}

/** What the engine gets: the method, every visible field with its value, overrides that no form knows, and the data options. */
export function composeFields(settings: Settings, data: DataOptions): RunFields {
  const { peftType, continued } = settings;
  const fields: Record<string, unknown> = { peft_type: peftType, ...(continued && { init_adapter: continued.id }) };
  const otherMethods = new Set(settings.methods.flatMap((method) => method.fields.map((field) => field.name)));
  for (const [name, value] of Object.entries(settings.overrides)) if (!otherMethods.has(name)) fields[name] = value;
  for (const field of activeFields(settings)) {
    const value = valueOf(field, settings);
    if (value !== null && value !== undefined) fields[field.name] = value;
  }
  return {
    ...fields,
    max_length: data.maxLength,
    loss_on: data.lossOn,
    val_split_ratio: data.valSplitRatio,
    task_type: data.taskType,
    problem_type: data.problemType,
  };
}

/** What a run file means that says nothing of its data. */
const absentData: DataOptions = {
  maxLength: 512,
  lossOn: 'replies',
  valSplitRatio: 0,
  taskType: 'auto',
  problemType: 'auto',
};

/** The other way: run fields (of a file, the sample or an old run) as form state. What equals a default is no override. */
export function settingsOfFields(fields: RunFields, base: Settings): { settings: Settings; data: DataOptions } {
  const named = typeof fields['peft_type'] === 'string' ? fields['peft_type'] : base.peftType;
  const peftType = base.methods.some((method) => method.peftType === named) ? named : base.peftType;
  let settings: Settings = { ...base, peftType, overrides: {}, shelved: {} };
  const known = new Map(activeFields(settings).map((field) => [field.name, field]));
  for (const [name, value] of Object.entries(fields)) {
    if (shownElsewhere.has(name)) continue;
    const field = known.get(name);
    const overrides = field ? withValue(field, value, settings) : { ...settings.overrides, [name]: value };
    settings = { ...settings, overrides };
  }
  const { max_length: maxLength, loss_on: lossOn, val_split_ratio: valSplitRatio } = fields;
  const taskType = fields['task_type'] as DataOptions['taskType'] | undefined;
  const problemType = fields['problem_type'] as DataOptions['problemType'] | undefined;
  return {
    settings,
    data: {
      maxLength: typeof maxLength === 'number' ? maxLength : absentData.maxLength,
      lossOn: lossOn === 'all' || lossOn === 'replies' ? lossOn : absentData.lossOn,
      valSplitRatio: typeof valSplitRatio === 'number' ? valSplitRatio : absentData.valSplitRatio,
      taskType: taskType ?? absentData.taskType,
      problemType: problemType ?? absentData.problemType,
    },
  };
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Optimizer steps of a run, as Transformers counts them: `max_steps` where it is positive, else epochs of ⌈⌈rows ÷ batch⌉ ÷ accumulation⌉. */
export function plannedSteps(trainRows: number, fields: RunFields): number {
  const number = (name: string, otherwise: number): number => {
    const value = fields[name];
    return typeof value === 'number' && value > 0 ? value : otherwise;
  };
  const maxSteps = number('max_steps', 0);
  if (maxSteps > 0) return maxSteps;
  const batches = Math.ceil(trainRows / number('batch_size', 1));
  return Math.ceil(Math.ceil(batches / number('gradient_accumulation_steps', 1)) * number('num_train_epochs', 1));
}
