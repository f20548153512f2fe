"""Writes tests/fixtures/optimizer/adamw.json: a few steps of torch's AdamW with clipping over two parameter groups.

Run from the repository root with a Python that has torch.
"""

import json
from pathlib import Path

import torch

sizes = [64, 32]
rate_factors = [1.0, 16.0]
decay_factors = [1.0, 0.0]
learning_rates = [0.0, 3e-3, 2e-3, 1e-3]
weight_decay = 0.1
max_grad_norm = 1.0

torch.manual_seed(0)
parameters = [torch.nn.Parameter(torch.randn(size) * 0.5) for size in sizes]
gradients = torch.randn(len(learning_rates), sum(sizes)) * torch.tensor([[0.05], [0.2], [1.0], [0.02]])
optimizer = torch.optim.AdamW(
    [
        {"params": [parameter], "weight_decay": weight_decay * decay}
        for parameter, decay in zip(parameters, decay_factors)
    ],
    lr=1.0,
)
initial = torch.cat([parameter.detach() for parameter in parameters]).tolist()
norms = []
after = []
for rate, gradient in zip(learning_rates, gradients):
    for parameter, part in zip(parameters, gradient.split(sizes)):
        parameter.grad = part.clone()
    norms.append(torch.nn.utils.clip_grad_norm_(parameters, max_grad_norm).item())
    for group, factor in zip(optimizer.param_groups, rate_factors):
        group["lr"] = rate * factor
    optimizer.step()
    after.append(torch.cat([parameter.detach() for parameter in parameters]).tolist())

path = Path("tests/fixtures/optimizer/adamw.json")
path.parent.mkdir(parents=True, exist_ok=True)
round9 = lambda values: [float(f"{value:.9g}") for value in values]
path.write_text(
    json.dumps(
        {
            "sizes": sizes,
            "rateFactors": rate_factors,
            "decayFactors": decay_factors,
            "learningRates": learning_rates,
            "weightDecay": weight_decay,
            "maxGradNorm": max_grad_norm,
            "initial": round9(initial),
            "gradients": [round9(row) for row in gradients.tolist()],
            "norms": round9(norms),
            "parametersAfter": [round9(row) for row in after],
        }
    )
    + "\n"
)
