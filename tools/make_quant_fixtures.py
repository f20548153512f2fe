"""Makes tests/fixtures/quant: random blocks, and what the libraries that define the formats make of them.

Run with a Python that has gguf, torch and bitsandbytes:  python tools/make_quant_fixtures.py
"""

import base64
import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

OUT = Path(__file__).parent.parent / "tests" / "fixtures" / "quant"
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


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20261123)
    gguf_blocks(rng)


if __name__ == "__main__":
    main()
