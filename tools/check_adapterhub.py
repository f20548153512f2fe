"""Loads an adapter with AdapterHub's `adapters`, refuses what it only warns about, and prints the logits after TEXT.

usage: python tools/check_adapterhub.py MODEL ADAPTER TEXT       (needs adapters 1.3 with transformers 4.57, torch; for a hybrid peft)

MODEL is a folder, ADAPTER an AdapterHub folder, or a hybrid's with lora/ and adapter/ in it. Prints {"logits": […]} at the last token
of TEXT, encoded as a {"text"} row is, or of the first token that a decoder writes of it, or of its classes, and fails with a list where a key of the file finds no place, or a
tensor of the adapter is not in the file.
"""

import json
import sys
from pathlib import Path

import adapters
import torch
from adapterhub_model import open_model
from transformers import AutoConfig, AutoTokenizer


def key_problems(loading_info: dict, name: str) -> list[str]:
    missing = [key for key in loading_info.get('missing_keys', []) if f'.{name}.' in key]
    return [f'missing: {key}' for key in missing] + [f'unexpected: {key}' for key in loading_info.get('unexpected_keys', [])]


def main() -> int:
    model_path, adapter, text = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    is_hybrid = (adapter / 'lora').exists()
    config = AutoConfig.from_pretrained(model_path)
    is_classifier = config.architectures[0].endswith('ForSequenceClassification')
    is_pair = config.is_encoder_decoder
    model = open_model(model_path, 'SEQ_CLS' if is_classifier else 'SEQ_2_SEQ_LM' if is_pair else 'CAUSAL_LM')
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    adapters.init(model)
    loading_info: dict = {}
    folder = str(adapter / 'adapter' if is_hybrid else adapter)
    name = model.load_adapter(folder, set_active=True, use_safetensors=True, loading_info=loading_info)
    problems = key_problems(loading_info, name)
    if problems:
        print('\n'.join(problems), file=sys.stderr)
        return 1
    if is_hybrid:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter / 'lora')
    model.eval()
    ids = tokenizer(text)['input_ids'] + ([] if is_classifier or is_pair else [tokenizer.eos_token_id])
    start = dict(decoder_input_ids=torch.tensor([[config.decoder_start_token_id]])) if is_pair else {}
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), **start).logits[0]
    print(json.dumps({'logits': (logits if is_classifier else logits[-1]).tolist()}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
