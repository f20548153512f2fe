"""AdaLoRA; LoHa and LoKr; OFT, BOFT and HRA; FourierFT."""

from parity_adalora import AdaLora
from parity_case import case

CASES = [
    case('adalora', 'llama', 'AdaLoraConfig', dict(
        recipe=AdaLora(), init_r=6, target_r=3, tinit=1, tfinal=2, total_step=8, run=dict(max_steps=8))),
    case('adalora-settings', 'qwen2', 'AdaLoraConfig', dict(
        recipe=AdaLora(), init_r=4, target_r=2, lora_alpha=16, tinit=2, tfinal=3, deltaT=2, beta1=0.7, beta2=0.9, orth_reg_weight=0.3, total_step=10,
        target_modules=['q_proj', 'o_proj', 'up_proj'], bias='lora_only', exclude_modules=['layers.0.self_attn.o_proj'],
        run=dict(max_steps=10, batch_size=1, gradient_accumulation_steps=2, max_grad_norm=0.5))),
    case('loha', 'llama', 'LoHaConfig', dict(r=2, alpha=5)),
    case('loha-dense', 'qwen2', 'LoHaConfig', dict(
        r=6, alpha_pattern={'k_proj': 12}, rank_pattern={r'layers\.1\.self_attn\.k_proj': 3}, target_modules=['k_proj', 'down_proj'])),
    case('lokr', 'llama', 'LoKrConfig', dict(r=2, target_modules=['q_proj', 'up_proj', 'down_proj'])),
    case('lokr-both', 'qwen2', 'LoKrConfig', dict(
        r=1, alpha=3, decompose_both=True, decompose_factor=4, init_weights='lycoris', target_modules='all-linear',
        run=dict(batch_size=1, gradient_accumulation_steps=2))),
]
