"""T5 and Flan-T5: an encoder, a decoder and both heads."""

from parity_case import ia3, lora

CASES = [
    lora('lora', 't5', r=2, lora_alpha=6, data='translation', run=dict(max_length=60)),
    lora('lora-all-linear', 'flan-t5', r=3, target_modules='all-linear', data='translation', run=dict(gradient_accumulation_steps=2)),
    ia3('ia3', 't5', data='translation'),
]
