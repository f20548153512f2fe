"""Classifiers of texts and words over BERT, RoBERTa, DistilBERT and Llama."""

from parity_case import ia3, lora

IMAGES = dict(max_steps=4, batch_size=2)
CASES = [
    lora('lora', 'bert', r=2, lora_alpha=4, data='classes'),
    lora('lora-pairs', 'bert', r=3, target_modules='all-linear', bias='lora_only', data='pairs', run=dict(gradient_accumulation_steps=2)),
    ia3('ia3', 'bert', data='classes'),
    lora('lora-words', 'bert', r=2, target_modules=['query', 'intermediate.dense'], data='words'),
    lora('lora-several', 'bert', r=2, target_modules=['key', 'output.dense'], data='several'),
    lora('lora', 'roberta', r=3, lora_alpha=6, data='classes', run=dict(max_length=20)),
    lora('lora-words', 'roberta', r=2, target_modules=['query', 'dense'], data='words'),
    lora('lora-value', 'distilbert', r=2, target_modules=['q_lin', 'lin2'], data='value'),
    lora('lora', 'vit', r=3, target_modules=['q_proj', 'v_proj', 'fc1'], modules_to_save=['classifier'], data='images', run=IMAGES),
    ia3('ia3', 'vit', target_modules=['k_proj', 'v_proj', 'fc2'], feedforward_modules=['fc2'], modules_to_save=['classifier'], data='images',
        run=dict(**IMAGES, gradient_accumulation_steps=2)),
    lora('lora-patches', 'vit', r=3, target_modules=['projection', 'value', 'v_proj', 'classifier'], init_lora_weights='gaussian', data='images', run=IMAGES),
    lora('lora-classes', 'llama', r=2, data='classes'),
    lora('lora-classes', 'qwen2', r=2, target_modules=['q_proj', 'down_proj'], data='classes'),
]
