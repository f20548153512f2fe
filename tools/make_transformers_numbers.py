"""Writes tests/fixtures/transformers: rotary frequencies and angles, learning rates, and what a config.json has that says nothing, as
Transformers gives them (rotary.json, schedules.json, configDefaults.json).

Run from the repository root with a Python that has transformers.
"""

import json
from pathlib import Path

import torch
from transformers import AutoConfig, LlamaConfig, get_scheduler
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

folder = Path("tests/fixtures/transformers")
folder.mkdir(parents=True, exist_ok=True)

ropes = {
    "default": {"rope_type": "default", "rope_theta": 10000.0},
    "long theta": {"rope_type": "default", "rope_theta": 1000000.0},
    "linear": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
    "llama3": {
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
}
positions = [0, 1, 17, 511, 2047]


def rotary(parameters):
    config = LlamaConfig(hidden_size=256, num_attention_heads=4, rope_parameters=parameters, max_position_embeddings=8192)
    module = LlamaRotaryEmbedding(config)
    cos, sin = module(torch.zeros(1), torch.tensor([positions]))
    half = config.head_dim // 2
    return {
        "parameters": parameters,
        "headDim": config.head_dim,
        "frequencies": module.inv_freq.tolist(),
        "positions": positions,
        "cos": cos[0, :, :half].tolist(),
        "sin": sin[0, :, :half].tolist(),
    }


(folder / "rotary.json").write_text(json.dumps({name: rotary(parameters) for name, parameters in ropes.items()}))


def rates(name, warmup, total):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-4)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    used = []
    for _ in range(total):
        used.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"type": name, "warmupSteps": warmup, "totalSteps": total, "learningRate": 3e-4, "rates": used}


schedules = [
    rates(name, warmup, total)
    for name in ["linear", "cosine", "constant_with_warmup"]
    for warmup, total in [(0, 7), (3, 10), (1, 1), (5, 4)]
]
schedules.append(rates("constant", 0, 5))
(folder / "schedules.json").write_text(json.dumps(schedules))

kinds = [
    "llama", "mistral", "qwen2", "qwen3", "bert", "roberta", "xlm-roberta", "distilbert", "gpt2", "bloom", "vit", "t5", "mt5", "gemma",
    "gemma2", "gemma3_text", "phi3",
]
defaults = {kind: AutoConfig.for_model(kind).to_dict() for kind in kinds}
(folder / "configDefaults.json").write_text(json.dumps(defaults, indent=1, sort_keys=True))
