"""Loads an adapter with AdapterHub's `adapters`, refuses what it only warns about, and prints the logits after TEXT.

usage: python tools/check_adapterhub.py MODEL ADAPTER TEXT       (needs adapters 1.3 with transformers 4.57, torch; for a hybrid peft)

MODEL is a folder, ADAPTER an AdapterHub folder, or a hybrid's with lora/ and adapter/ in it; TEXT is an image's path where the model
reads images. Prints {"logits": […]}: of the classes where the adapter has a head, of the first token that a decoder writes, else at the
last token of TEXT, encoded as a {"text"} row is. Fails with a list where a key of the file finds no place, or a tensor of the adapter is
not in the file.
"""

import json
import sys
from pathlib import Path

import adapters
import torch
from adapterhub_model import open_model, open_processor
from PIL import Image

# of the class that an adapter was trained on
ENDINGS = {
    'ForSequenceClassification': 'SEQ_CLS', 'ForTokenClassification': 'TOKEN_CLS', 'ForImageClassification': 'IMAGE_CLS',
    'ForConditionalGeneration': 'SEQ_2_SEQ_LM',
}


def key_problems(loading_info: dict, name: str) -> list[str]:
    missing = [key for key in loading_info.get('missing_keys', []) if f'.{name}.' in key]
    return [f'missing: {key}' for key in missing] + [f'unexpected: {key}' for key in loading_info.get('unexpected_keys', [])]


def task_of(adapter: Path) -> str:
    name = json.loads((adapter / 'adapter_config.json').read_text())['model_class']
    return next((task for ending, task in ENDINGS.items() if name.endswith(ending)), 'CAUSAL_LM')


def inputs_of(text: str, task: str, processor, config) -> dict:
    if task == 'IMAGE_CLS':
        return dict(processor(Image.open(text).convert('RGB'), return_tensors='pt'))
    ids = processor(text)['input_ids'] + ([processor.eos_token_id] if task == 'CAUSAL_LM' else [])
    start = {'decoder_input_ids': torch.tensor([[config.decoder_start_token_id]])} if task == 'SEQ_2_SEQ_LM' else {}
    return {'input_ids': torch.tensor([ids]), **start}


def main() -> int:
    model_path, adapter, text = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    is_hybrid = (adapter / 'lora').exists()
    own = adapter / 'adapter' if is_hybrid else adapter
    task = task_of(own)
    model = open_model(model_path, task)
    adapters.init(model)
    loading_info: dict = {}
    name = model.load_adapter(str(own), set_active=True, use_safetensors=True, loading_info=loading_info)
    problems = key_problems(loading_info, name)
    if problems:
        print('\n'.join(problems), file=sys.stderr)
        return 1
    if is_hybrid:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter / 'lora')
    model.eval()
    with torch.no_grad():
        logits = model(**inputs_of(text, task, open_processor(model_path, task), model.config)).logits[0]
    print(json.dumps({'logits': (logits[-1] if task in ('CAUSAL_LM', 'SEQ_2_SEQ_LM') else logits.reshape(-1)).tolist()}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
