"""Makes tests/fixtures/formats from the libraries that define the formats: gguf, safetensors and peft.

Run with a Python that has gguf, safetensors, torch and peft:  python tools/make_format_fixtures.py
"""

import base64
import hashlib
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf import quants
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "tests" / "fixtures" / "formats"
ROWS, COLUMNS = 6, 64  # six rows: the last group of four is not full


def text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def write_json(name: str, value: object) -> None:
    (OUT / name).write_text(json.dumps(value, indent=1) + "\n")


def half_bits(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float16).view(np.uint16)


def random_blocks(rng: np.random.Generator, kind: Type, largest: float) -> np.ndarray:
    """Rows of random blocks whose scales take every awkward finite value."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = ROWS * COLUMNS // block
    data = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    edges = half_bits(0.0, -0.0, 2**-24, -(2**-24), 1023 * 2**-24, 2**-14, largest, -largest, 1.0, -0.3333, 0.01, 3e-5)
    scales = edges[np.arange(blocks) % len(edges)]
    data[:, 0:2] = scales[:, None].view(np.uint8)
    if kind == Type.Q4_1:
        data[:, 2:4] = rng.permutation(scales)[:, None].view(np.uint8)
    return data.reshape(ROWS, -1)


def quant_blocks(rng: np.random.Generator) -> None:
    cases = {}
    for kind, largest in ((Type.Q8_0, 65504), (Type.Q4_0, 8188), (Type.Q4_1, 65504)):
        data = random_blocks(rng, kind, largest)
        values = quants.dequantize(data, kind)
        cases[kind.name.lower()] = {"rows": ROWS, "columns": COLUMNS, "bytes": text(data), "values": text(values)}
    write_json("quant_blocks.json", cases)


def halves(rng: np.random.Generator) -> None:
    every = np.arange(65536, dtype=np.uint16)
    with np.errstate(invalid="ignore"):
        decoded = every.view(np.float16).astype(np.float32)
        bfloats = quants.dequantize(every.view(np.uint8).reshape(1, -1), Type.BF16).reshape(-1)
    ties = np.array([2049, 2051, 2**-25, 3 * 2**-25, 2**-25 + 2**-40, 65519, 65520, 1e9, 1 + 2**-11, 1 + 2**-8], np.float32)
    floats = np.concatenate([ties, -ties, rng.normal(size=64), rng.normal(size=64) * 1e-6, rng.normal(size=64) * 3e4])
    floats = floats.astype(np.float32)
    with np.errstate(over="ignore"):
        as_half = floats.astype(np.float16)
    as_bfloat = quants.quantize(floats.reshape(1, -1), Type.BF16)
    write_json(
        "halves.json",
        {
            "sha256_of_f16_values": hashlib.sha256(np.nan_to_num(decoded, nan=0, posinf=np.inf, neginf=-np.inf).tobytes()).hexdigest(),
            "sha256_of_bf16_values": hashlib.sha256(np.nan_to_num(bfloats, nan=0, posinf=np.inf, neginf=-np.inf).tobytes()).hexdigest(),
            "floats": text(floats),
            "f16": text(as_half),
            "bf16": text(as_bfloat),
        },
    )


def tiny_gguf(rng: np.random.Generator, name: str, kinds: list[Type]) -> None:
    writer = gguf.GGUFWriter(OUT / name, "llama")
    writer.add_name("Tiny")
    writer.add_block_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_add_bos_token(True)
    writer.add_token_list(["<s>", "a", "ü", "日本"])
    writer.add_token_scores([0.0, -1.5, -2.0, -3.25])
    writer.add_token_types([3, 1, 1, 1])
    writer.add_uint64("graft.large", 2**60)
    writer.add_int8("graft.negative", -5)
    values = rng.normal(size=(4, 256)).astype(np.float32)
    for kind in kinds:
        if kind == Type.IQ4_NL:
            data = rng.integers(0, 256, (4, 144), dtype=np.uint8)
        else:
            data = quants.quantize(values, kind)
        writer.add_tensor(f"blk.0.{kind.name.lower()}.weight", data, raw_dtype=kind)
    writer.add_tensor("output_norm.weight", values[0, :5].copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def dtypes_safetensors() -> None:
    save_file(
        {
            "f32": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4,
            "f16": torch.tensor([[1.5, -2.0]], dtype=torch.float16),
            "bf16": torch.tensor([[1.5, -2.0, 0.25]], dtype=torch.bfloat16),
            "i64": torch.tensor([7, -1], dtype=torch.int64),
            "u8": torch.tensor([255], dtype=torch.uint8),
            "bool": torch.tensor([True, False, True]),
            "scalar": torch.tensor(3.5),
            "empty": torch.zeros(0, 4),
        },
        OUT / "dtypes.safetensors",
        metadata={"format": "pt", "made_by": "safetensors"},
    )


def peft_folder() -> None:
    """A LoRA file in bfloat16, as PEFT writes it where it is told not to upcast."""
    torch.manual_seed(0)
    model = torch.nn.ModuleDict({"q_proj": torch.nn.Linear(8, 4), "v_proj": torch.nn.Linear(8, 6)}).to(torch.bfloat16)
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    adapted = get_peft_model(model, config, autocast_adapter_dtype=False)
    folder = OUT / "peft-lora-bf16"
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    state = adapted.state_dict()
    expected = {key.replace(".default", ""): value.float().tolist() for key, value in state.items() if "lora_" in key}
    write_json("peft-lora-bf16.values.json", expected)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20261122)
    quant_blocks(rng)
    halves(rng)
    tiny_gguf(rng, "tiny.gguf", [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1])
    tiny_gguf(rng, "tiny-iq4_nl.gguf", [Type.Q8_0, Type.IQ4_NL])
    dtypes_safetensors()
    peft_folder()


if __name__ == "__main__":
    main()
