"""The tensors of several models as one: a row each."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

Named = dict[str, Tensor]


class Stack:
    """The weights and buffers of several models of one kind, stacked: (rows, ...) each.

    weights: those that are trained, leaves of a graph of their own. fixed: the others. buffers: of
    the models. What is changed here is changed in the models by `scatter`.

    >>> models = [nn.Linear(2, 3), nn.Linear(2, 3)]
    >>> {name: tuple(one.shape) for name, one in Stack(models).weights.items()}
    {'weight': (2, 3, 2), 'bias': (2, 3)}
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = models
        self.weights: Named = {}
        self.fixed: Named = {}
        for name, parameter in models[0].named_parameters():
            rows = torch.stack([model.get_parameter(name).detach() for model in models])
            if parameter.requires_grad:
                self.weights[name] = rows.requires_grad_()
            else:
                self.fixed[name] = rows
        self.buffers: Named = {
            name: torch.stack([model.get_buffer(name) for model in models])
            for name, _ in models[0].named_buffers()
        }

    def inputs(self) -> Named:
        """Return all that a forward pass takes from the models."""
        return self.weights | self.fixed | self.buffers

    def by_parameter(self) -> Iterator[tuple[str, list[nn.Parameter]]]:
        """Yield the name of each trained weight, and it in each of the models."""
        for name in self.weights:
            yield name, [model.get_parameter(name) for model in self.models]

    def scatter(self) -> None:
        """Put every row back into its model."""
        with torch.no_grad():
            for name, own in self.by_parameter():
                put(own, self.weights[name].detach())
            for name, rows in self.buffers.items():
                put([model.get_buffer(name) for model in self.models], rows)


def put(tensors: Sequence[Tensor], rows: Tensor) -> None:
    """Copy rows into tensors of their own."""
    torch._foreach_copy_(list(tensors), list(rows.unbind()))
