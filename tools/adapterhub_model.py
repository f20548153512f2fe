"""A base model of the parity cases as AdapterHub's `adapters` 1.3 can open it, under Transformers 4."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification


def open_model(path: Path, task: str):
    """Transformers 4 knows rope_theta, but not Transformers 5's rope_parameters."""
    kind = AutoModelForCausalLM if task == 'CAUSAL_LM' else AutoModelForSequenceClassification
    config = AutoConfig.from_pretrained(path)
    if hasattr(config, 'rope_parameters'):
        config.rope_theta = config.rope_parameters['rope_theta']
    return kind.from_pretrained(path, config=config, dtype=torch.float32)
