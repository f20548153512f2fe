"""What AdaLoRA asks of a training loop: its penalty in the loss, and its allocator after each optimizer step. Both are PEFT's own code."""

from types import SimpleNamespace
from unittest.mock import patch

import torch
from peft.tuners.adalora import AdaLoraModel


def penalty(model) -> torch.Tensor | None:
    """What AdaLoraModel.forward adds to a loss."""
    if not isinstance(model.base_model, AdaLoraModel):
        return None
    with patch.object(type(model.base_model.model), 'forward', lambda *_, **__: SimpleNamespace(loss=torch.zeros(()))):
        return model.base_model.forward().loss


def allocate(model, step: int) -> dict[str, list[bool]] | None:
    """The masks after an optimizer step (from 1), by the names that they have in a file; None before the first cut."""
    if not isinstance(model.base_model, AdaLoraModel):
        return None
    model.base_model.update_and_allocate(step)
    pattern = model.peft_config['default'].rank_pattern
    return pattern and {name.replace('.default', ''): kept for name, kept in pattern.items()}
