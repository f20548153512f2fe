"""T5, Flan-T5 and mT5: an encoder, a decoder and both heads."""

from parity_case import Case, case, ia3, lora


def prompt(name: str, model: str, kind: str, **settings) -> Case:
    return case(name, model, kind, {**settings, 'data': 'translation'})


CASES = [
    lora('lora', 't5', r=2, lora_alpha=6, data='translation', run=dict(max_length=60)),
    lora('lora-all-linear', 'flan-t5', r=3, target_modules='all-linear', data='translation', run=dict(gradient_accumulation_steps=2)),
    ia3('ia3', 't5', data='translation'),
    prompt('prompt', 't5', 'PromptTuningConfig', num_virtual_tokens=4, run=dict(weight_decay=0.1)),
    prompt('prompt-encoder', 'flan-t5', 'PromptTuningConfig', num_virtual_tokens=3, num_transformer_submodules=1),
    prompt('p-tuning', 'flan-t5', 'PromptEncoderConfig', num_virtual_tokens=4, encoder_hidden_size=9),
    prompt('p-tuning-lstm', 't5', 'PromptEncoderConfig', num_virtual_tokens=3, encoder_reparameterization_type='LSTM', encoder_hidden_size=5),
    prompt('prefix', 'mt5', 'PrefixTuningConfig', num_virtual_tokens=3),
    prompt('prompt-sampled', 'mt5', 'PromptTuningConfig', num_virtual_tokens=3, prompt_tuning_init='SAMPLE_VOCAB', run=dict(gradient_accumulation_steps=2)),
    # PEFT's own guess of the width of a layer's keys, d_model, fits where that is num_heads · d_kv; of the layers, where the decoder has no more
    prompt('prefix', 't5', 'PrefixTuningConfig', num_virtual_tokens=3, token_dim=30),
    prompt('prefix-projection', 'flan-t5', 'PrefixTuningConfig', num_virtual_tokens=4, prefix_projection=True, encoder_hidden_size=7, token_dim=45, num_layers=2),
    case('norms', 't5', 'LNTuningConfig', dict(data='translation')),
    case('beft', 'flan-t5', 'BeftConfig', dict(data='translation')),
    lora('lora-positions', 't5', r=2, modules_to_save=['relative_attention_bias'], data='translation'),
]
