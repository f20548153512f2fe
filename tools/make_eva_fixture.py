"""Writes tests/fixtures/eva.json: where PEFT's EVA starts on the tiny Llama of the parity cases, in one batch and in two.

Run from the repository root with a Python that has torch, transformers and peft 0.21.2.
"""

import json
from pathlib import Path

import torch
from peft import EvaConfig, LoraConfig, get_peft_model
from peft.tuners.lora.eva import initialize_lora_eva_weights
from transformers import AutoModelForCausalLM

FIXTURES = Path("tests/fixtures")
# With 18 components PEFT's randomised factorisation follows all 36 directions, which makes it exact. Of linears that read the same
# PEFT's sort decides which one loses a rank: the cases here have no such tie.
CASES = {
    "as it comes": ({"r": 9, "target_modules": ["q_proj", "o_proj"], "batch_size": 4}, {}),
    "with other settings, in two batches": (
        {"r": 12, "target_modules": ["v_proj"], "batch_size": 2},
        {"rho": 1.5, "use_label_mask": False, "adjust_scaling_factors": False, "whiten": True},
    ),
}
LENGTHS = [24, 17, 30, 21]
PROMPT = 5  # tokens that are not learned


def batch(vocabulary: int) -> tuple[list[list[int]], dict]:
    torch.manual_seed(3)
    rows = [torch.randint(3, vocabulary, (length,)).tolist() for length in LENGTHS]
    longest = max(LENGTHS)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :PROMPT] = -100
    return rows, {"input_ids": ids, "attention_mask": mask, "labels": labels}


def rounded(matrix: torch.Tensor) -> list[float]:
    return [float(f"{value:.6g}") for value in matrix.flatten().tolist()]


def main() -> None:
    cases = []
    rows = []
    for name, (settings, eva) in CASES.items():
        base = AutoModelForCausalLM.from_pretrained(FIXTURES / "parity" / "models" / "llama", dtype=torch.float32)
        rows, inputs = batch(base.config.vocab_size)
        size = settings.pop("batch_size")
        batches = [{key: value[i : i + size] for key, value in inputs.items()} for i in range(0, len(rows), size)]
        model = get_peft_model(base, LoraConfig(**settings, lora_alpha=6, init_lora_weights="eva", eva_config=EvaConfig(**eva)))
        initialize_lora_eva_weights(model, batches, show_progress_bar=False)
        config = model.peft_config["default"]
        starts = {
            key.removeprefix("base_model.model.").removesuffix(".lora_A.default.weight"): rounded(value)
            for key, value in model.named_parameters()
            if key.endswith("lora_A.default.weight")
        }
        patterns = {"rank_pattern": config.rank_pattern, "alpha_pattern": config.alpha_pattern}
        cases.append({"name": name, "fields": {**settings, "batch_size": size, "lora_alpha": 6, "eva_config": eva}, "config": patterns, "starts": starts})
    fixture = {"prompt": PROMPT, "rows": rows, "cases": cases}
    (FIXTURES / "eva.json").write_text(json.dumps(fixture) + "\n")


main()
