"""AdaLoRA; LoHa and LoKr; OFT, BOFT and HRA; FourierFT; RoAd."""

import peft.tuners.boft.layer as boft_layer
import torch
from parity_adalora import AdaLora
from parity_case import case


class BlockDiagonal:
    """What PEFT's CUDA extension computes. Without it PEFT on a CPU leaves off all butterfly factors but the first."""

    @staticmethod
    def apply(blocks: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.block_diag(*factor) for factor in blocks])


boft_layer.get_fbd_cuda = lambda: True
boft_layer.FastBlockDiag = BlockDiagonal

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
    case('oft', 'llama', 'OFTConfig', dict(oft_block_size=8, target_modules=['q_proj', 'down_proj'])),
    case('oft-exact', 'qwen2', 'OFTConfig', dict(
        oft_block_size=0, r=2, use_cayley_neumann=False, block_share=True, target_modules=['v_proj', 'o_proj'], bias='oft_only')),
    case('oft-constrained', 'llama', 'OFTConfig', dict(
        oft_block_size=8, coft=True, eps=0.05, num_cayley_neumann_terms=7, target_modules=['k_proj'], run=dict(learning_rate=2e-2))),
    case('boft', 'llama', 'BOFTConfig', dict(boft_block_size=4, target_modules=['q_proj', 'up_proj'])),
    case('boft-factors', 'mistral', 'BOFTConfig', dict(boft_block_size=4, boft_n_butterfly_factor=3, target_modules=['q_proj', 'k_proj'])),
    case('boft-biases', 'qwen2', 'BOFTConfig', dict(boft_block_size=0, boft_block_num=7, target_modules=['q_proj', 'o_proj'], bias='all')),
    case('hra', 'llama', 'HRAConfig', dict(r=4, target_modules=['q_proj', 'down_proj'])),
    case('hra-orthogonal', 'qwen2', 'HRAConfig', dict(r=3, apply_GS=True, init_weights=False, target_modules=['v_proj', 'o_proj'], bias='hra_only')),
    case('fourierft', 'llama', 'FourierFTConfig', dict(n_frequency=40, scaling=30, n_frequency_pattern={'v_proj': 25})),
    case('fourierft-seed', 'qwen2', 'FourierFTConfig', dict(
        n_frequency=30, scaling=20, random_loc_seed=5, init_weights=True, target_modules=['q_proj', 'up_proj', 'down_proj'], bias='fourier_only')),
    case('road', 'llama', 'RoadConfig', dict(variant='road_1', group_size=12, target_modules=['q_proj', 'v_proj'], modules_to_save=['norm'])),
    case('road-four', 'qwen2', 'RoadConfig', dict(variant='road_4', group_size=6, target_modules=['k_proj', 'up_proj'])),
    case('miss', 'llama', 'MissConfig', dict(r=8, target_modules=['q_proj', 'v_proj', 'down_proj'])),
    case('miss-mini', 'qwen2', 'MissConfig', dict(r=4, mini_r=3, init_weights='mini', target_modules=['k_proj', 'up_proj'])),
    case('delora', 'llama', 'DeloraConfig', dict(r=3, delora_lambda=4, lambda_pattern={'v_proj': 2}, target_modules=['q_proj', 'v_proj', 'down_proj'])),
    case('adalora', 'gpt2', 'AdaLoraConfig', dict(
        recipe=AdaLora(), init_r=4, target_r=1, tfinal=1, total_step=6, target_modules=['c_attn', 'mlp.c_proj'], run=dict(max_steps=6))),
    case('fourierft', 'gpt2', 'FourierFTConfig', dict(n_frequency=20, scaling=60, random_loc_seed=9)),
    case('lokr', 'bloom', 'LoKrConfig', dict(r=3, target_modules=['query_key_value', 'dense_h_to_4h'])),
    case('oft', 'bloom', 'OFTConfig', dict(oft_block_size=7)),
    case('boft', 'llama-gguf', 'BOFTConfig', dict(boft_block_size=4, boft_n_butterfly_factor=2, target_modules=['q_proj', 'gate_proj'])),
]
