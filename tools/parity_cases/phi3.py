"""Phi-3: fused projections."""

from parity_case import ia3, lora

CASES = [
    lora('lora', 'phi3', r=3, lora_alpha=5, target_modules=['qkv_proj', 'gate_up_proj']),
    ia3('ia3', 'phi3', target_modules=['qkv_proj', 'down_proj'], feedforward_modules=['down_proj']),
    lora('lora-classes', 'phi3', r=2, target_modules=['qkv_proj', 'down_proj'], data='classes'),
    lora('lora-words', 'phi3', r=3, target_modules=['o_proj', 'gate_up_proj'], data='words'),
    lora('lora', 'phi3-gguf', r=3, target_modules=['qkv_proj', 'gate_up_proj', 'lm_head']),
]
