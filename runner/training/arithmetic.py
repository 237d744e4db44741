"""How much a model computes for a sample, and how many CPU threads are worth it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

SMALL = 30_000_000  # operations of a batch up to which one thread is as fast as several
OUTPUT = 100  # operations that the way of an output to memory and back costs as much as


class Operations:
    """Counts, about, while a model computes: products of weights with inputs, and outputs.

    Not torch's FlopCounterMode: it is exact for the products, which for small convolutions are the
    lesser part, and takes a quarter of a second to load.
    """

    def __init__(self) -> None:
        self.products = self.outputs = 0

    def add(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        """Count what a module has done itself: each output takes a row of each weight."""
        first = outputs[0] if isinstance(outputs, tuple) and outputs else outputs
        if not isinstance(first, Tensor):
            return
        if next(module.children(), None) is None:
            self.outputs += first.numel()
        for weight in module.parameters(recurse=False):
            rows = weight.shape[0] if weight.ndim > 1 else 0
            self.products += first.numel() // rows * weight.numel() if rows else 0

    def of_a_sample(self, model: nn.Module, samples: int) -> int:
        """Return the operations of one sample; each weight counts once at least."""
        weights = sum(weight.numel() for weight in model.parameters())
        return max(self.products // samples, weights) + OUTPUT * (self.outputs // samples)


@contextmanager
def counting() -> Iterator[Operations]:
    """Count while open.

    >>> from torch import zeros
    >>> with counting() as operations:
    ...     _ = nn.Conv2d(1, 4, 3, bias=False)(zeros(2, 1, 5, 5))
    >>> operations.products, operations.outputs  # 2 x 4 x 3 x 3 outputs, each of 9 products
    (648, 72)
    """
    operations = Operations()
    hook = register_module_forward_hook(operations.add)
    try:
        yield operations
    finally:
        hook.remove()


def threads_for(operations: int, batch_size: int, most: int) -> int:
    """Return the number of threads for so many operations of a sample: threads that wait for each
    other cost a small model more than they save.

    >>> threads_for(200_000, 128, most=8), threads_for(200_000, 256, most=8)
    (1, 8)
    """
    return 1 if operations * batch_size <= SMALL else most
