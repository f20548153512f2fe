"""Makes tests/fixtures/quant: random blocks, and what the libraries that define the formats make of them.

Run with a Python that has gguf, torch and bitsandbytes:  python tools/make_quant_fixtures.py
"""

import base64
import hashlib
import json
from pathlib import Path

import bitsandbytes.functional as bnb
import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf import quants
from quant_packing import awq_words, decode_4bit, gptq_words
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "tests" / "fixtures" / "quant"
# Zero, numbers below the least normal half, and the largest one.
AWKWARD_SCALES = np.array([0.0, 2**-24, -1023 * 2**-24, 2**-14, 65504, -65504], np.float16)
ROWS = 5  # the last group of four is not full


def text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def write_json(name: str, value: object) -> None:
    (OUT / name).write_text(json.dumps(value, indent=1) + "\n")


# Where the half-precision scales lie in a block.
GGUF_SCALES = {
    Type.Q5_0: [0],
    Type.Q5_1: [0, 2],
    Type.Q2_K: [80, 82],
    Type.Q3_K: [108],
    Type.Q4_K: [0, 2],
    Type.Q5_K: [0, 2],
    Type.Q6_K: [208],
}


def gguf_blocks(rng: np.random.Generator) -> None:
    """Blocks of random bits, whose half-precision scales take every awkward finite value."""
    cases = {}
    for kind, offsets in GGUF_SCALES.items():
        block, size = gguf.GGML_QUANT_SIZES[kind]
        columns = max(block, 64)
        blocks = ROWS * columns // block
        largest = 4094 if kind == Type.Q5_0 else 65504
        edges = np.array([1.0, -0.3333, 0.0, -0.0, 2**-24, -1023 * 2**-24, 2**-14, largest, -largest, 0.01], np.float16)
        data = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
        for i, offset in enumerate(offsets):
            data[:, offset : offset + 2] = edges[(np.arange(blocks) * 3 + 2 * i) % len(edges)][:, None].view(np.uint8)
        data = data.reshape(ROWS, -1)
        values = quants.dequantize(data, kind)
        cases[kind.name.lower()] = {"rows": ROWS, "columns": columns, "bytes": text(data), "values": text(values)}
    write_json("gguf.json", cases)


def values_hash(values: np.ndarray) -> str:
    return hashlib.sha256((values.astype(np.float32) + np.float32(0)).tobytes()).hexdigest()  # + 0: one zero


def bitsandbytes_files() -> None:
    """What bitsandbytes saves of a linear, in a file as Transformers writes it, and what it decodes that to."""
    torch.manual_seed(20261123)
    large = torch.randn(70, 256).half()  # more than 256 blocks of 64
    large[3, 64:128] = 0
    small = (torch.randn(5, 96) * 0.02).half()  # blocks run across rows
    odd = (torch.randn(67, 23) * 0.02).half()  # rows begin anywhere in a block, the last half of a byte is left over
    tensors = {"large": large, "small": small, "odd": odd}
    expected = {}
    cases = [("nf4", False, "small"), ("fp4", False, "small"), ("nf4", True, "large"), ("fp4", True, "small"), ("nf4", True, "small"),
             ("nf4", True, "odd"), ("fp4", False, "odd")]  # fmt: skip
    for kind, nested, source in cases:
        name = f"{kind}{'_nested' if nested else ''}_{source}"
        weight = tensors[source].float()
        codes, state = bnb.quantize_4bit(weight, compress_statistics=nested, quant_type=kind)
        tensors[f"{name}.weight"] = codes
        tensors.update({f"{name}.weight.{key}": value.clone() for key, value in state.as_dict(packed=True).items()})
        expected[name] = {"source": source, "sha256": values_hash(decode_4bit(codes, state).numpy())}
    for source in ("large", "small"):
        codes, absmax, _ = torch.ops.bitsandbytes.int8_vectorwise_quant(tensors[source])
        tensors |= {f"int8_{source}.weight": codes, f"int8_{source}.SCB": absmax, f"int8_{source}.weight_format": torch.tensor(0, dtype=torch.uint8)}
        values = torch.ops.bitsandbytes.int8_vectorwise_dequant(codes, absmax)
        expected[f"int8_{source}"] = {"source": source, "sha256": values_hash(values.numpy())}
    save_file(tensors, OUT / "bitsandbytes.safetensors")
    write_json("bitsandbytes.json", expected)


def gptq_files(rng: np.random.Generator) -> None:
    """GPTQ's tensors of linears: the order of the inputs by act-order or not, zero points stored less 1 or as they are."""
    tensors, expected = {}, {}
    cases = [("b4", 4, 32, False, False), ("b4_act", 4, 32, True, False), ("b4_v2", 4, -1, False, True),
             ("b8_act", 8, 64, True, True), ("b8", 8, 64, False, False), ("b3", 3, 32, False, False), ("b2_act", 2, 48, True, False), ("b4_odd", 4, 16, False, False),
             ("b4_sym", 4, 32, False, False), ("b4_sym_v2", 4, 32, False, True), ("b3_act_v2", 3, 32, True, True), ("b3_whole", 3, -1, False, False),
             ("b2", 2, 32, False, False), ("b2_v2", 2, 64, False, True), ("b8_whole_v2", 8, -1, False, True), ("b8_sym_act", 8, 32, True, False)]  # fmt: skip
    for name, bits, size, act_order, v2 in cases:
        inputs, outputs = (40, 24) if name == "b4_odd" else (96, 32)
        size_or_all = inputs if size < 0 else size
        groups = -(-inputs // size_or_all)
        codes = rng.integers(0, 2**bits, (inputs, outputs))
        zeros = rng.integers(0, 2**bits, (groups, outputs))
        if "sym" in name:
            zeros[:] = 2 ** (bits - 1)
        scales = (rng.normal(size=(groups, outputs)) * 0.1).astype(np.float16)
        scales.flat[::5] = np.resize(AWKWARD_SCALES, scales.flat[::5].size)
        g_idx = np.arange(inputs) // size_or_all
        if act_order:
            g_idx = rng.permutation(g_idx)
        values = scales[g_idx].astype(np.float32) * (codes - zeros[g_idx]).astype(np.float32)
        stored = zeros if v2 else (zeros - 1) % 2**bits
        tensors[f"{name}.qweight"] = gptq_words(codes, bits)
        tensors[f"{name}.qzeros"] = gptq_words(stored.T, bits).T.contiguous()
        tensors[f"{name}.scales"] = torch.from_numpy(scales)
        tensors[f"{name}.g_idx"] = torch.from_numpy(g_idx.astype(np.int32))
        settings = {"bits": bits, "groupSize": size, "storesZeroPoints": v2}
        expected[name] = {"settings": settings, "sha256": values_hash(values.T)}
    save_file(tensors, OUT / "gptq.safetensors")
    write_json("gptq.json", expected)


def awq_file(rng: np.random.Generator) -> None:
    inputs, outputs, size = 96, 40, 32
    codes = rng.integers(0, 16, (inputs, outputs))
    zeros = rng.integers(0, 16, (inputs // size, outputs))
    scales = (rng.normal(size=(inputs // size, outputs)) * 0.1).astype(np.float16)
    scales.flat[::5] = np.resize(AWKWARD_SCALES, scales.flat[::5].size)
    groups = np.arange(inputs) // size
    values = scales[groups].astype(np.float32) * (codes - zeros[groups]).astype(np.float32)
    save_file({"a.qweight": awq_words(codes), "a.qzeros": awq_words(zeros), "a.scales": torch.from_numpy(scales)}, OUT / "awq.safetensors")
    write_json("awq.json", {"groupSize": size, "sha256": values_hash(values.T)})


def gguf_encodings(rng: np.random.Generator) -> None:
    """Blocks of numbers of every kind, and the bytes that gguf's own encoders make of them."""
    blocks = rng.normal(size=(16, 32)) * np.exp(rng.normal(size=(16, 1)) * 4)
    blocks[1] = 0
    blocks[2] = 0.37
    blocks[3] = -np.abs(blocks[3])
    blocks[4, 7] = 400 * np.abs(blocks[4]).max()
    blocks[5] = blocks[5].round(0) / 2  # halves of a step, and the same number many times
    blocks[6] *= 1e-9 / np.abs(blocks[6]).max()  # scales below the least half
    blocks[7, ::2] = blocks[7, 0]
    blocks[8, 0], blocks[8, 1] = 9.0, -9.0  # the first of two that are as far from 0
    blocks[9] = np.arange(32) - 16
    values = blocks.astype(np.float32)
    kinds = [Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0]
    write_json("encodings.json", {"values": text(values), "bytes": {kind.name.lower(): text(quants.quantize(values, kind)) for kind in kinds}})


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    gguf_encodings(np.random.default_rng(20261122))
    rng = np.random.default_rng(20261123)
    gguf_blocks(rng)
    bitsandbytes_files()
    awq_file(rng)
    gptq_files(rng)


if __name__ == "__main__":
    main()
