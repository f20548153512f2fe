"""Prompt tuning, P-tuning and prefix tuning under classifiers of texts and words, in batches of rows that are not equally long."""

from parity_cases.prompts import p_tuning, prefix, prompt

# what PEFT cannot find in a DistilBERT config, whose names are its own
DISTILBERT = dict(token_dim=30, num_attention_heads=5)
CASES = [
    prompt('prompt-classes', 'llama', num_virtual_tokens=3, data='classes', run=dict(gradient_accumulation_steps=2)),
    prompt('prompt-classes', 'mistral', num_virtual_tokens=4, data='classes', run=dict(batch_size=4)),
    prompt('prompt-words', 'qwen2', num_virtual_tokens=3, data='words'),
    p_tuning('p-tuning-classes', 'gpt2', num_virtual_tokens=4, encoder_hidden_size=9, data='classes'),
    prefix('prefix-words', 'gpt2', num_virtual_tokens=3, data='words'),
    prompt('prompt-several', 'bloom', num_virtual_tokens=5, data='several'),
    prefix('prefix-classes', 'bloom', num_virtual_tokens=3, data='classes'),
    prompt('prompt-value', 'phi3', num_virtual_tokens=2, data='value'),
    prefix('prefix-classes', 'gemma', num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=7, data='classes'),
    p_tuning('p-tuning-classes', 'gemma3', num_virtual_tokens=3, encoder_hidden_size=6, data='classes'),
    prompt('prompt-pairs', 'bert', num_virtual_tokens=4, data='pairs'),
    prefix('prefix-pairs', 'bert', num_virtual_tokens=3, data='pairs'),
    prompt('prompt', 'roberta', num_virtual_tokens=3, data='classes'),
    prefix('prefix-words', 'roberta', num_virtual_tokens=2, data='words'),
    p_tuning('p-tuning', 'distilbert', num_virtual_tokens=3, encoder_hidden_size=8, data='classes', **DISTILBERT),
    prompt('prompt-words', 'distilbert', num_virtual_tokens=4, data='words', **DISTILBERT),
]
