"""What AdaLoRA asks of a training loop: its penalty in the loss, and its allocator after each optimizer step. Both are PEFT's own code."""

from types import SimpleNamespace
from unittest.mock import patch

import torch
from parity_training import Figures, Recipe


class AdaLora(Recipe):
    def penalty(self, model) -> torch.Tensor:
        """What AdaLoraModel.forward adds to a loss."""
        with patch.object(type(model.base_model.model), 'forward', lambda *_, **__: SimpleNamespace(loss=torch.zeros(()))):
            return model.base_model.forward().loss

    def after_step(self, model, step: int, figures: Figures) -> None:
        """Logs the masks, by the names that they have in a file; None before the first cut."""
        model.base_model.update_and_allocate(step)
        pattern = model.peft_config['default'].rank_pattern
        figures.ranks.append(pattern and {name.replace('.default', ''): kept for name, kept in pattern.items()})
