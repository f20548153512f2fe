"""Adapters beside quantised weights: PEFT trains on what these decode to."""

from parity_case import lora

NF4 = dict(load_in_4bit=True, bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True)

CASES = [
    lora('lora', 'llama-nf4', r=3, lora_alpha=6, target_modules='all-linear', fields=NF4),
    lora('dora', 'llama-nf4', r=3, target_modules=['q_proj', 'down_proj'], use_dora=True, fields=NF4),
    lora('lora', 'qwen2-int8', r=3, target_modules=['q_proj', 'v_proj'], fields=dict(load_in_8bit=True)),
    lora('lora', 'llama-fp4', r=2, target_modules=['q_proj', 'up_proj']),
    lora('lora', 'llama-gptq', r=2, target_modules=['k_proj', 'o_proj', 'gate_proj']),
    lora('lora', 'llama-awq', r=2, target_modules=['v_proj', 'down_proj']),
    lora('lora', 'llama-k-gguf', r=2, target_modules=['q_proj', 'gate_proj', 'down_proj']),
]
