"""Regression: numbers that a sample has."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from runner.training.data import Batch, Dataset
from runner.training.measures import exact
from runner.training.nested import Nested
from runner.training.tasks.task import Loss, Task
from schedules.errors import ArgumentError

MOST_READ = 10_000  # targets of which mean and deviation are taken

_OF_RAW_TARGETS = {
    "BCELoss",
    "BCEWithLogitsLoss",
    "KLDivLoss",
    "PoissonNLLLoss",
    "SoftMarginLoss",
    "MultiLabelSoftMarginLoss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "poisson_nll_loss",
    "soft_margin_loss",
    "multilabel_soft_margin_loss",
}


def _plain(loss: Loss) -> str:
    """Return the name of one of torch's own losses."""
    found = type(loss) if isinstance(loss, nn.Module) else getattr(loss, "func", loss)
    return found.__name__ if str(getattr(found, "__module__", "")).startswith("torch.") else ""


@dataclass(frozen=True)
class Regression(Task):
    """Numbers for targets (n,) or (n, columns) of float32.

    standardize: whether the loss sees targets less the training targets' mean, over their
    deviation; metrics see the data's own unit. center, scale: these.
    """

    loss: Loss = functional.mse_loss
    standardize: bool = True
    center: Tensor | None = None
    scale: Tensor | None = None

    name = "regression"
    keys = ("standardize",)
    takes = "(n,) or (n, columns) of float32"
    gives = "numbers"

    def check(self, data: Dataset) -> None:
        """Raise ValueError for targets that are no numbers."""
        targets = data.train.targets
        if not isinstance(targets, Tensor) or not targets.is_floating_point():
            raise self._unfit(data)
        for name in ("train", "val", "test"):
            if not bool(getattr(data, name).targets.isfinite().all()):
                raise ArgumentError(f"{name}'s targets", "must be finite", "nan or inf")

    def size(self, data: Dataset) -> int:
        """Return the number of columns."""
        return math.prod(data.train.targets.shape[1:])

    def weight(self, batch: Batch) -> Tensor | float:
        """Return the number of targets."""
        return int(batch[1].numel())

    def shapes(self, targets: Nested, data: Dataset) -> tuple[tuple[int, ...], ...]:
        """Return the shape of the targets, or with each in a row of its own."""
        same = tuple(targets.shape)
        return (same, (*same, 1)) if targets.ndim == 1 else (same,)

    def of(self, data: Dataset) -> Task:
        """Return the task with mean and deviation of the training targets; of those of 10,000
        samples, drawn by chance, where they must be read. Raises ValueError where these are of
        several shapes."""
        if not self.standardize:
            return self
        if (found := _plain(self.loss)) in _OF_RAW_TARGETS:
            must = f"must be false with {found}, which targets in another unit do not fit"
            raise ArgumentError("task.standardize", must, "true")
        if (known := data.train.known_targets(MOST_READ)) is None:
            must = "must be false where targets are of several shapes, which have no mean"
            raise ArgumentError("task.standardize", must, "true")
        targets = exact(known)
        scale = targets.std(0, correction=0)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale)).float()
        return replace(self, center=targets.mean(0).float(), scale=scale)

    def guess(self, data: Dataset) -> float:
        """Return the squared error of the mean."""
        plain = getattr(self.loss, "func", self.loss) is functional.mse_loss
        return 1.0 if plain and self.standardize else math.inf

    def pair(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return both in units of the deviation."""
        outputs = outputs.reshape(targets.shape)
        if self.center is None or self.scale is None:
            return outputs, targets
        return outputs, (targets - self.center) / self.scale

    def real(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return both in the data's unit."""
        outputs = outputs.reshape(targets.shape)
        if self.center is None or self.scale is None:
            return outputs, targets
        return outputs * self.scale + self.center, targets
