"""Writes tests/fixtures/loftq.json: what PEFT's LoftQ makes of a linear of the parity model whose rows are whole blocks of 64.

Run from the repository root with a Python that has torch, bitsandbytes and peft 0.21.2.
"""

import inspect
import json
from pathlib import Path

import torch
from peft.utils import loftq_utils
from safetensors.torch import load_file

NAME = "model.layers.1.self_attn.k_proj.weight"
RANK = 4


def on_cpu() -> dict:
    """loftq_utils with the CPU, where bitsandbytes has the same codes, in place of the GPU that it names."""
    names = {"__name__": "loftq_utils_on_cpu"}
    exec(inspect.getsource(loftq_utils).replace('"cuda"', '"cpu"'), names)
    return names


def rounded(matrix: torch.Tensor) -> list[float]:
    return [float(f"{value:.8g}") for value in matrix.flatten().tolist()]


def main() -> None:
    fixtures = Path("tests/fixtures")
    weight = load_file(fixtures / "parity" / "models" / "llama-nf4" / "model.safetensors")[NAME].float()
    loftq_init = on_cpu()["loftq_init"]
    cases = {}
    for bits in (4, 8):
        _, a, b = loftq_init(weight, num_bits=bits, reduced_rank=RANK, num_iter=1)
        cases[bits] = {"a": rounded(a), "b": rounded(b)}
    fixture = {"tensor": NAME, "rank": RANK, "shape": list(weight.shape), "factorsByBits": cases}
    (fixtures / "loftq.json").write_text(json.dumps(fixture) + "\n")


main()
