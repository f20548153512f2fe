"""Gemma, Gemma 2 and Gemma 3's text model: scaled embeddings, norms by 1 + weight, capped scores and logits, windows."""

from parity_case import case, ia3, lora

CASES = [
    lora('lora', 'gemma', r=3, lora_alpha=5, data='completion'),
    lora('lora-embedding', 'gemma', r=2, target_modules=['embed_tokens', 'down_proj'], modules_to_save=['model.norm']),
    lora('lora-all-linear', 'gemma3', r=2, target_modules='all-linear', modules_to_save=['q_norm', 'post_feedforward_layernorm']),
    ia3('ia3', 'gemma3', afresh=True),
    case('prompt', 'gemma3', 'PromptTuningConfig', dict(num_virtual_tokens=3)),
    lora('lora-classes', 'gemma', r=2, data='classes'),
    lora('lora-words', 'gemma', r=2, target_modules=['q_proj', 'down_proj'], data='words'),
    lora('lora-several', 'gemma3', r=2, target_modules='all-linear', data='several'),
    lora('lora-all-linear', 'gemma-gguf', r=2, target_modules='all-linear', modules_to_save=['post_attention_layernorm', 'model.norm']),
    lora('lora-all-linear', 'gemma2', r=2, target_modules='all-linear', modules_to_save=['post_feedforward_layernorm'], data='completion'),
    lora('lora-classes', 'gemma2', r=2, data='classes'),
    case('prefix', 'gemma2', 'PrefixTuningConfig', dict(num_virtual_tokens=3)),
    lora('lora', 'gemma2-gguf', r=2, target_modules=['q_proj', 'k_proj', 'v_proj', 'lm_head']),
    lora('lora', 'gemma3-gguf', r=3, modules_to_save=['q_norm', 'pre_feedforward_layernorm']),
]
