"""Tiny models whose linears are quantised: as bitsandbytes, GPTQ and AWQ keep them in a folder, or while they are loaded."""

import json
from pathlib import Path

import bitsandbytes.functional as bnb
import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Quant
from quant_packing import awq_words, decode_4bit, gptq_words
from safetensors.torch import load_file, save_file

GROUP = 32
# Where the half-precision scales lie in a superblock, and what they are so that weights are about as large as those of a small model.
SUPERBLOCKS = {
    Quant.Q2_K: {80: 6e-3, 82: 5e-3}, Quant.Q3_K: {108: 6e-4}, Quant.Q4_K: {0: 2.5e-4, 2: 1.6e-3},
    Quant.Q5_K: {0: 1.2e-4, 2: 1.6e-3}, Quant.Q6_K: {208: 3e-5},
}


def linears(model) -> list:
    """All but the head."""
    return [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and name != 'lm_head']


@torch.no_grad()
def quantise_in_memory(model, kind: str) -> None:
    """Leaves in the linears what they come to once they are quantised on loading."""
    for _, module in linears(model):
        module.weight.copy_(bitsandbytes_parts(module.weight, kind)[1])


@torch.no_grad()
def quantise_folder(path: Path, model, kind: str) -> None:
    """Writes the linears of a saved model as they are kept in that format, and leaves in the model what they decode to."""
    file = path / 'model.safetensors'
    tensors = {name: tensor.half() for name, tensor in load_file(file).items()}
    for name, module in linears(model):
        del tensors[f'{name}.weight']
        parts, values = PARTS[kind](module.weight, kind)
        tensors |= {f'{name}.{part}': tensor for part, tensor in parts.items()}
        module.weight.copy_(values)
    quantised = {f'{name}.weight' for name, _ in linears(model)}
    for name, parameter in model.named_parameters():
        if name in tensors and name not in quantised:
            parameter.copy_(tensors[name].float())
    save_file(tensors, file, metadata={'format': 'pt'})
    config = json.loads((path / 'config.json').read_text())
    (path / 'config.json').write_text(json.dumps({**config, 'quantization_config': CONFIGS[kind]}, indent=1))


def bitsandbytes_parts(weight: torch.Tensor, kind: str):
    """(tensors by their name behind the module's, decoded weight)"""
    if kind == 'int8':
        codes, absmax, _ = torch.ops.bitsandbytes.int8_vectorwise_quant(weight.half())
        values = torch.ops.bitsandbytes.int8_vectorwise_dequant(codes, absmax)
        return {'weight': codes, 'SCB': absmax, 'weight_format': torch.tensor(0, dtype=torch.uint8)}, values
    kind, _, nested = kind.partition('_')
    codes, state = bnb.quantize_4bit(weight.float(), compress_statistics=nested == 'nested', quant_type=kind)
    parts = {f'weight.{part}': tensor.clone() for part, tensor in state.as_dict(packed=True).items()}
    return {'weight': codes, **parts}, decode_4bit(codes, state)


def grouped(weight: torch.Tensor, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, torch.Tensor]:
    """4-bit codes [in, out], zero points and scales [groups, out], and the weight [out, in] that they come to."""
    columns = weight.T.numpy()
    parts = [columns[groups == group] for group in range(groups.max() + 1)]
    lowest = np.stack([part.min(axis=0) for part in parts])
    scales = np.maximum((np.stack([part.max(axis=0) for part in parts]) - lowest) / 15, 1e-5).astype(np.float16)
    zeros = np.clip(np.round(-lowest / scales.astype(np.float32)), 0, 15).astype(np.int64)
    steps = scales.astype(np.float32)[groups]
    codes = np.clip(np.round(columns / steps) + zeros[groups], 0, 15).astype(np.int64)
    return codes, zeros, scales, torch.from_numpy((steps * (codes - zeros[groups])).T.copy())


def gptq_parts(weight: torch.Tensor, kind: str):
    groups = np.arange(weight.shape[1]) // GROUP
    if kind == 'gptq-act-order':
        groups = np.random.default_rng(weight.shape[1]).permutation(groups)
    codes, zeros, scales, values = grouped(weight, groups)
    stored = (zeros - 1) % 16
    return {
        'qweight': gptq_words(codes, 4), 'qzeros': gptq_words(stored.T.copy(), 4).T.contiguous(),
        'scales': torch.from_numpy(scales), 'g_idx': torch.from_numpy(groups.astype(np.int32)),
    }, values


def awq_parts(weight: torch.Tensor, _: str):
    codes, zeros, scales, values = grouped(weight, np.arange(weight.shape[1]) // GROUP)
    return {'qweight': awq_words(codes), 'qzeros': awq_words(zeros), 'scales': torch.from_numpy(scales)}, values


PARTS = {'fp4_nested': bitsandbytes_parts, 'gptq-act-order': gptq_parts, 'awq': awq_parts}
CONFIGS = {
    'fp4_nested': dict(quant_method='bitsandbytes', load_in_4bit=True, bnb_4bit_quant_type='fp4', bnb_4bit_use_double_quant=True),
    'gptq-act-order': dict(quant_method='gptq', bits=4, group_size=GROUP, desc_act=True, sym=False),
    'awq': dict(quant_method='awq', bits=4, group_size=GROUP, version='gemm', zero_point=True),
}


def superblocks(shape: tuple[int, ...], kind: Quant) -> np.ndarray:
    """Rows of superblocks of random bits: gguf has no quantiser for them."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    rng = np.random.default_rng(int(kind) + shape[0])
    data = rng.integers(0, 256, (shape[0] * shape[1] // block, size), dtype=np.uint8)
    for offset, scale in SUPERBLOCKS[kind].items():
        data[:, offset:offset + 2] = np.array([scale], np.float16).view(np.uint8)
    return data.reshape(shape[0], -1)
