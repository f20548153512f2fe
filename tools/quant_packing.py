"""How GPTQ and AWQ pack codes into 32-bit words, and how bitsandbytes' 4-bit weights decode."""

import bitsandbytes.functional as bnb
import numpy as np
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute

AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def gptq_words(codes: np.ndarray, bits: int) -> torch.Tensor:
    """Packs the first axis to a stream of bits, the first code in the lowest bits of the first word."""
    number = sum(codes[i].astype(object) << (bits * i) for i in range(codes.shape[0]))
    words = [(number >> (32 * word)) & 0xFFFFFFFF for word in range(codes.shape[0] * bits // 32)]
    return torch.from_numpy(np.array(words, dtype=np.uint32).view(np.int32).copy())


def awq_words(codes: np.ndarray) -> torch.Tensor:
    """Packs the last axis, eight codes of 4 bits to a word."""
    eights = codes.reshape(codes.shape[0], -1, 8)[:, :, AWQ_ORDER].astype(np.uint64)
    words = sum(eights[:, :, i] << np.uint64(4 * i) for i in range(8))
    return torch.from_numpy(words.astype(np.uint32).view(np.int32))


def decode_4bit(codes: torch.Tensor, state: bnb.QuantState) -> torch.Tensor:
    """As on a GPU; bitsandbytes' own CPU kernel miscounts blocks that run across rows."""
    absmax = bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset if state.nested else state.absmax
    return _dequantize_4bit_compute(codes.reshape(-1), absmax, state.code, 64, state.shape, torch.float32)
