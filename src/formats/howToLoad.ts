import { hybridType, wholeModelType, type AdapterFolder } from './adapterContent.ts';

type Config = AdapterFolder['config'];

/**
 * Lines of Python that load an adapter's folder onto its base model, by the library that reads it.
 * @param numLabels of a classifier: the base gets a head of that size, whatever it had
 */
export function howToLoad(config: Config, baseModel: string, numLabels?: number): string[] {
  if (config['peft_type'] === wholeModelType)
    return [
      'from transformers import AutoModelForCausalLM',
      '',
      'model = AutoModelForCausalLM.from_pretrained("this-folder")',
    ];
  const isHybrid = config['peft_type'] === hybridType;
  const autoClass = autoClassOf(isHybrid ? (config['lora'] as Config) : config);
  const head = numLabels === undefined ? '' : `, num_labels=${numLabels}, ignore_mismatched_sizes=True`;
  const model = `${autoClass}.from_pretrained(${JSON.stringify(baseModel)}${head})`;
  if (config['peft_type'] !== undefined && !isHybrid)
    return [
      'from peft import PeftModel',
      `from transformers import ${autoClass}`,
      '',
      `base = ${model}`,
      'model = PeftModel.from_pretrained(base, "this-folder")',
    ];
  return [
    'import adapters',
    ...(isHybrid ? ['from peft import PeftModel'] : []),
    `from transformers import ${autoClass}`,
    '',
    `model = ${model}`,
    'adapters.init(model)',
    `model.load_adapter("this-folder${isHybrid ? '/adapter' : ''}", set_active=True, use_safetensors=True)`,
    ...(isHybrid ? ['model = PeftModel.from_pretrained(model, "this-folder/lora")'] : []),
  ];
}

const classByTask: Readonly<Record<string, string>> = {
  CAUSAL_LM: 'AutoModelForCausalLM',
  SEQ_CLS: 'AutoModelForSequenceClassification',
  TOKEN_CLS: 'AutoModelForTokenClassification',
  SEQ_2_SEQ_LM: 'AutoModelForSeq2SeqLM',
};

/** By PEFT's task, which is null for images, or by AdapterHub's name of the model's class. */
function autoClassOf(config: Config): string {
  const { task_type: task, model_class: modelClass } = config;
  if (typeof task === 'string') return classByTask[task] ?? 'AutoModel';
  if (modelClass === undefined) return 'AutoModelForImageClassification';
  const head = /For[A-Z].*$/.exec(String(modelClass))?.[0];
  if (head === 'ForConditionalGeneration') return 'AutoModelForSeq2SeqLM';
  return head ? `AutoModel${head}` : 'AutoModelForCausalLM';
}
