"""LayerNorm tuning, BEFT, BitFit and trainable tokens: parts of the model itself are trained."""

import torch
from parity_case import Case, case
from parity_training import Recipe
from safetensors.torch import load_file, save_file


class BitFit(Recipe):
    """Every bias of the model, in the file of a LoRA whose update is zero and stays it."""

    def attach(self, base, config):
        model = super().attach(base, config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name.endswith('.bias') and 'original_module' not in name)
                if '.lora_' in name:
                    parameter.zero_()
        return model

    def save(self, model, folder):
        super().save(model, folder)
        path = folder / 'adapter_model.safetensors'
        # a head's biases under the names of its wrapper, which PEFT does not read back
        save_file({key: value for key, value in load_file(path).items() if '.original_module.' not in key and '.modules_to_save.' not in key}, path,
                  metadata={'format': 'pt'})


def norms(name: str, model: str, **settings) -> Case:
    return case(name, model, 'LNTuningConfig', settings)


def beft(name: str, model: str, **settings) -> Case:
    return case(name, model, 'BeftConfig', settings)


def bitfit(name: str, model: str, **settings) -> Case:
    return case(name, model, 'LoraConfig', dict(r=1, bias='all', recipe=BitFit(), fields=dict(peft_type='BITFIT'), **settings))


def tokens(name: str, model: str, **settings) -> Case:
    return case(name, model, 'TrainableTokensConfig', settings)


CASES = [
    norms('norm-tuning', 'llama', afresh=True, run=dict(weight_decay=0.1)),
    norms('norm-tuning', 'qwen3', target_modules=r'.*(q_norm|k_norm|input_layernorm)', exclude_modules=['layers.1.self_attn.q_norm']),
    beft('beft', 'qwen2', target_modules=['v_proj', 'down_proj']),
    norms('norm-tuning', 'gpt2'),
    bitfit('bitfit', 'qwen2'),
    bitfit('bitfit', 'bert', data='classes'),
    tokens('tokens', 'mistral', token_indices=[299, 7, 19], target_modules=['embed_tokens', 'lm_head']),
    tokens('tokens', 'gpt2', token_indices=[11, 250]),
    tokens('tokens', 'llama3', token_indices=[0, 101, 260, 88], afresh=True),
    tokens('tokens', 'bert', token_indices=[0, 61, 30], data='classes'),
    tokens('tokens', 't5', token_indices=[4, 30, 11], target_modules=['shared'], data='translation'),
]
