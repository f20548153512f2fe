"""Loads an adapter with Hugging Face PEFT, refuses what PEFT only warns about, and prints the logits after TEXT.

usage: python tools/check_adapter.py MODEL ADAPTER TEXT       (needs torch, transformers, peft, safetensors; gguf for a GGUF MODEL)

MODEL is a folder or a GGUF file (dequantised), ADAPTER a PEFT folder. Prints {"logits": […]} at the last token of TEXT, encoded as a
{"text"} row is, or of the first token that a decoder writes of it, and fails with a list where a key of the file finds no place, or a trained tensor of the model is not in the file.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer


def open_model(path: Path):
    where = dict(pretrained_model_name_or_path=path.parent, gguf_file=path.name) if path.suffix == '.gguf' else dict(pretrained_model_name_or_path=path)
    auto = AutoModelForSeq2SeqLM if AutoConfig.from_pretrained(**where).is_encoder_decoder else AutoModelForCausalLM
    return auto.from_pretrained(**where, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(**where)


def key_problems(base, adapter: Path) -> list[str]:
    """Keys and shapes of the file against those that PEFT itself would save for this model and config."""
    expected = get_peft_model_state_dict(get_peft_model(base, PeftConfig.from_pretrained(adapter)))
    found = load_file(adapter / 'adapter_model.safetensors')
    return (
        [f'missing: {key}' for key in sorted(expected.keys() - found.keys())]
        + [f'unexpected: {key}' for key in sorted(found.keys() - expected.keys())]
        + [f'shape of {key}: {list(found[key].shape)}, not {list(expected[key].shape)}'
           for key in sorted(expected.keys() & found.keys()) if expected[key].shape != found[key].shape]
    )


def inputs(ids: list[int], config, tokenizer) -> dict[str, torch.Tensor]:
    if config.is_encoder_decoder:
        return dict(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([[config.decoder_start_token_id]]))
    return dict(input_ids=torch.tensor([ids + [tokenizer.eos_token_id]]))


def main() -> int:
    model_path, adapter, text = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    problems = key_problems(open_model(model_path)[0], adapter)
    if problems:
        print('\n'.join(problems), file=sys.stderr)
        return 1
    base, tokenizer = open_model(model_path)
    model = PeftModel.from_pretrained(base, adapter).eval()
    with torch.no_grad():
        logits = model(**inputs(tokenizer(text)['input_ids'], base.config, tokenizer)).logits[0, -1]
    print(json.dumps({'logits': logits.tolist()}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
