"""GPT-2 (Conv1D, learned positions) and BLOOM (ALiBi, interleaved q, k and v), from folders and GGUF files."""

from parity_case import case, ia3, lora

CASES = [
    lora('lora', 'gpt2', r=3, lora_alpha=5),
    lora('lora-all-linear', 'gpt2', r=2, target_modules='all-linear', run=dict(gradient_accumulation_steps=2, batch_size=2)),
    lora('lora-tables', 'gpt2', r=2, lora_alpha=3, target_modules=['wte', 'wpe', 'c_proj']),
    lora('lora-saved', 'gpt2', r=3, modules_to_save=['wpe', 'h.1.mlp.c_fc', 'ln_f']),
    lora('lora-head', 'gpt2', r=3, target_modules=['c_attn', 'lm_head'], run=dict(weight_decay=0.1)),
    ia3('ia3', 'gpt2', afresh=True),
    case('prompt', 'gpt2', 'PromptTuningConfig', dict(num_virtual_tokens=4)),
    case('prefix', 'gpt2', 'PrefixTuningConfig', dict(num_virtual_tokens=5, data='completion')),
    lora('lora-classes', 'gpt2', r=2, target_modules=['c_attn', 'mlp.c_proj'], data='classes'),
    lora('lora', 'gpt2-bare', r=3, target_modules=['c_fc', 'attn.c_proj'], bias='lora_only', data='completion'),
    lora('lora-all-linear', 'gpt2-gguf', r=3, target_modules='all-linear', modules_to_save=['ln_f']),
    lora('lora', 'bloom', r=3, lora_alpha=5),
    lora('lora-all-linear', 'bloom', r=2, target_modules='all-linear', modules_to_save=['word_embeddings_layernorm', 'word_embeddings']),
    ia3('ia3', 'bloom', afresh=True),
    case('prompt', 'bloom', 'PromptTuningConfig', dict(num_virtual_tokens=3)),
    case('prefix', 'bloom', 'PrefixTuningConfig', dict(num_virtual_tokens=4, data='completion')),
    lora('lora-several', 'bloom', r=2, data='several'),
    lora('lora', 'bloom-bare', r=3, target_modules=['dense', 'dense_h_to_4h'], bias='lora_only', data='completion'),
    lora('lora', 'bloom-gguf', r=3, target_modules=['query_key_value', 'dense_4h_to_h']),
]
