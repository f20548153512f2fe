import { hybridType, type AdapterFolder } from './adapterContent.ts';

/** Lines of Python that load an adapter's folder onto its base model, by the library that reads it. */
export function howToLoad(config: AdapterFolder['config'], baseModel: string): string[] {
  const isHybrid = config['peft_type'] === hybridType;
  const isPeft = config['peft_type'] !== undefined;
  const model = `AutoModelForCausalLM.from_pretrained(${JSON.stringify(baseModel)})`;
  if (isPeft && !isHybrid)
    return [
      'from peft import PeftModel',
      'from transformers import AutoModelForCausalLM',
      '',
      `base = ${model}`,
      'model = PeftModel.from_pretrained(base, "this-folder")',
    ];
  return [
    'import adapters',
    ...(isHybrid ? ['from peft import PeftModel'] : []),
    'from transformers import AutoModelForCausalLM',
    '',
    `model = ${model}`,
    'adapters.init(model)',
    `model.load_adapter("this-folder${isHybrid ? '/adapter' : ''}", set_active=True, use_safetensors=True)`,
    ...(isHybrid ? ['model = PeftModel.from_pretrained(model, "this-folder/lora")'] : []),
  ];
}
