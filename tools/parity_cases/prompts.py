"""Prompt tuning, P-tuning and prefix tuning."""

from parity_case import Case, case


def prompt(name: str, model: str, **settings) -> Case:
    return case(name, model, 'PromptTuningConfig', settings)


def p_tuning(name: str, model: str, **settings) -> Case:
    return case(name, model, 'PromptEncoderConfig', settings)


def prefix(name: str, model: str, **settings) -> Case:
    return case(name, model, 'PrefixTuningConfig', settings)


CASES = [
    prompt('prompt', 'llama', num_virtual_tokens=5, run=dict(gradient_accumulation_steps=2, batch_size=2)),
    prompt('prompt-head', 'mistral', num_virtual_tokens=3, modules_to_save=['lm_head']),
    p_tuning('p-tuning', 'qwen2', num_virtual_tokens=4, encoder_hidden_size=12),
    p_tuning('p-tuning-lstm', 'llama', num_virtual_tokens=5, encoder_reparameterization_type='LSTM', encoder_hidden_size=7),
    prefix('prefix', 'llama', num_virtual_tokens=5, data='completion'),
    prefix('prefix-window', 'mistral', num_virtual_tokens=4),
    prefix('prefix', 'bert', num_virtual_tokens=3, data='classes'),
    prompt('prompt', 'bert', num_virtual_tokens=4, data='classes'),
    prefix('prefix-classes', 'llama', num_virtual_tokens=3, data='classes'),
    prefix('prefix-projection', 'qwen3', num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=9),
]
