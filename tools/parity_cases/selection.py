"""LayerNorm tuning, BEFT, BitFit and trainable tokens: parts of the model itself are trained."""

import torch
from parity_case import Case, case
from parity_training import Recipe


class BitFit(Recipe):
    """Every bias of the model, in the file of a LoRA whose update is zero and stays it."""

    def attach(self, base, config):
        model = super().attach(base, config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if '.lora_' in name:
                    parameter.zero_().requires_grad_(False)
        return model


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
    bitfit('bitfit', 'qwen2'),
    tokens('tokens', 'mistral', token_indices=[299, 7, 19], target_modules=['embed_tokens', 'lm_head']),
    tokens('tokens', 'llama3', token_indices=[0, 101, 260, 88], afresh=True),
]
