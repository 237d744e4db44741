"""Losses: what training makes small."""

from torch import Tensor, nn
from torch.nn import functional


def batch_loss(model: nn.Module, batch: tuple[Tensor, Tensor] | None) -> Tensor:
    """Return the mean cross-entropy of a batch, or the model's own loss where there is none."""
    if batch is None:
        loss: Tensor = model()
        return loss.float()
    inputs, targets = batch
    return functional.cross_entropy(model(inputs).float(), targets)
