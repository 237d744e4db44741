"""The optimizers of `conf/` as functions of stacked tensors, with each row's own numbers.

Adam, AdamW and SGD take torch's fused kernels, row by row: what they are given decides the same
bits as in a training by itself. RMSprop, which has none, takes all rows at once.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from runner.training.fused.stack import Stack, put
from runner.training.light import LIGHT

Row = list[Tensor]  # of a row, the tensors of a group


class Rows:
    """A parameter group of several optimizers of one kind.

    optimizers: one a row. place: of the group in each. weights: (rows, ...) each. names: of the
    weights.
    """

    keeps: ClassVar[Sequence[str]] = ()  # what an optimizer has of each weight, like it

    def __init__(self, optimizers: Sequence[Optimizer], place: int, weights: Row) -> None:
        self.groups = [one.param_groups[place] for one in optimizers]
        self.optimizers = optimizers
        self.states = [
            [one.state.get(p, {}) for p in group["params"]]
            for one, group in zip(optimizers, self.groups, strict=True)
        ]
        self.weights = weights
        self.rows = _rows(weights)
        self.kept: dict[str, Row] = {}
        for name in self.kept_names():
            self.kept[name] = [
                torch.stack(
                    [
                        own[j][name].to(weight.device) if name in own[j] else torch.zeros_like(row)
                        for own, row in zip(self.states, weight.detach(), strict=True)
                    ]
                )
                for j, weight in enumerate(weights)
            ]
        self.kept_rows = {name: _rows(tensors) for name, tensors in self.kept.items()}
        zero = torch.zeros((), device=weights[0].device)
        self.steps = torch.stack(
            [
                torch.stack([s["step"].to(zero) if "step" in s else zero for s in own])
                for own in self.states
            ]
        )  # (rows, weights)
        self.step_rows = [list(row.unbind()) for row in self.steps]

    def kept_names(self) -> list[str]:
        """Return what there is of each weight, by these options."""
        raise NotImplementedError

    def step(self, gradients: Sequence[Tensor], bad: Tensor) -> None:
        """Update all rows but those whose `bad` is 1. gradients: like the weights."""
        raise NotImplementedError

    def scatter(self, counts: torch.device | None) -> None:
        """Put what the optimizers have of each weight back. counts: where they count steps, None
        where they do not."""
        for i, (group, optimizer) in enumerate(zip(self.groups, self.optimizers, strict=True)):
            names = self.kept_of(i)
            if counts is None and not names:
                continue
            for j, parameter in enumerate(group["params"]):
                state = self.states[i][j] = optimizer.state[parameter]
                if counts is not None:
                    state.setdefault("step", torch.zeros((), device=counts))
                    state["step"].copy_(self.steps[i, j])
                for name in names:
                    if name not in state:
                        state[name] = torch.zeros_like(parameter.detach())
        for name, tensors in self.kept.items():
            for j, rows in enumerate(tensors):
                has = [i for i, own in enumerate(self.states) if name in own[j]]
                if has:
                    put([self.states[i][j][name] for i in has], rows[has])

    def kept_of(self, row: int) -> Sequence[str]:
        """Return what the optimizer of a row has of each weight."""
        return list(self.kept)


class AdamRows(Rows):
    """Of Adam and AdamW, which is Adam with a decoupled weight decay."""

    def kept_names(self) -> list[str]:
        more = ["max_exp_avg_sq"] if self.groups[0]["amsgrad"] else []
        return ["exp_avg", "exp_avg_sq", *more]

    def step(self, gradients: Sequence[Tensor], bad: Tensor) -> None:
        self.steps += (1 - bad)[:, None]
        largest = self.kept_rows.get("max_exp_avg_sq")
        rows = zip(self.groups, _rows(gradients), bad, strict=True)
        for i, (group, own, flag) in enumerate(rows):
            beta1, beta2 = group["betas"]
            is_decoupled = group.get("decoupled_weight_decay", False)
            kernel = torch._fused_adamw_ if is_decoupled else torch._fused_adam_
            kernel(
                self.rows[i],
                own,
                self.kept_rows["exp_avg"][i],
                self.kept_rows["exp_avg_sq"][i],
                largest[i] if largest else [],
                self.step_rows[i],
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=group["amsgrad"],
                maximize=group["maximize"],
                found_inf=flag,
            )


class SGDRows(Rows):
    """Of SGD, whose momentum begins with the first gradient."""

    def __init__(self, optimizers: Sequence[Optimizer], place: int, weights: Row) -> None:
        super().__init__(optimizers, place, weights)
        self.begun = [all("momentum_buffer" in s for s in own) for own in self.states]

    def kept_names(self) -> list[str]:
        return ["momentum_buffer"]  # of all, since a momentum may follow a schedule from 0

    def kept_of(self, row: int) -> Sequence[str]:
        return ["momentum_buffer"] if self.begun[row] else []

    def step(self, gradients: Sequence[Tensor], bad: Tensor) -> None:
        rows = zip(self.groups, _rows(gradients), bad, strict=True)
        for i, (group, own, flag) in enumerate(rows):
            has_momentum = group["momentum"] != 0
            torch._fused_sgd_(
                self.rows[i],
                own,
                self.kept_rows["momentum_buffer"][i] if has_momentum else [],
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                lr=group["lr"],
                dampening=group["dampening"],
                nesterov=group["nesterov"],
                maximize=group["maximize"],
                is_first_step=has_momentum and not self.begun[i],
                found_inf=flag,
            )
            self.begun[i] = self.begun[i] or has_momentum


class RMSpropRows(Rows):
    """Of RMSprop."""

    def kept_names(self) -> list[str]:
        more = ["momentum_buffer"] if any(group["momentum"] for group in self.groups) else []
        return ["square_avg", *more, *(["grad_avg"] if self.groups[0]["centered"] else [])]

    def kept_of(self, row: int) -> Sequence[str]:
        has_momentum = bool(self.groups[row]["momentum"])
        return [name for name in self.kept if name != "momentum_buffer" or has_momentum]

    def step(self, gradients: Sequence[Tensor], bad: Tensor) -> None:
        self.steps += (1 - bad)[:, None]
        numbers = {
            name: torch.tensor([group[name] for group in self.groups], dtype=torch.float64)
            for name in ("lr", "alpha", "eps", "weight_decay", "momentum")
        }
        sign = -1.0 if self.groups[0]["maximize"] else 1.0
        for j, (weight, gradient) in enumerate(zip(self.weights, gradients, strict=True)):
            shape = -1, *[1] * (weight.ndim - 1)
            n = {name: one.to(weight).reshape(shape) for name, one in numbers.items()}
            good = (bad == 0).reshape(shape)
            kept = {name: tensors[j] for name, tensors in self.kept.items()}
            g = sign * gradient + n["weight_decay"] * weight.detach()
            square = torch.lerp(g * g, kept["square_avg"], n["alpha"])
            centre = square
            new = {"square_avg": square}
            if "grad_avg" in kept:
                mean = torch.lerp(g, kept["grad_avg"], n["alpha"])
                centre, new["grad_avg"] = square - mean * mean, mean
            step = g / (centre.sqrt() + n["eps"])
            if "momentum_buffer" in kept:
                step = new["momentum_buffer"] = n["momentum"] * kept["momentum_buffer"] + step
            with torch.no_grad():
                weight.copy_(torch.where(good, weight - n["lr"] * step, weight))
            for name, value in new.items():
                kept[name].copy_(torch.where(good, value, kept[name]))


KINDS: dict[type, type[Rows]] = {
    Adam: AdamRows,
    AdamW: AdamRows,
    SGD: SGDRows,
    RMSprop: RMSpropRows,
}
KINDS |= {LIGHT[kind]: of for kind, of in list(KINDS.items())}


class Stepper:
    """Several optimizers of one kind, a row each, over the weights of a stack."""

    def __init__(self, optimizers: Sequence[Optimizer], stack: Stack) -> None:
        self._optimizers = optimizers
        names = {id(own[0]): name for name, own in stack.by_parameter()}
        self._names = [
            [names[id(p)] for p in group["params"]] for group in optimizers[0].param_groups
        ]
        kind = KINDS[type(optimizers[0])]
        self._groups = [
            kind(optimizers, i, [stack.weights[name] for name in own])
            for i, own in enumerate(self._names)
        ]

    def step(self, gradients: Mapping[str, Tensor], bad: Tensor) -> None:
        """Update every row but those whose `bad` is 1."""
        with torch.no_grad():
            for group, names in zip(self._groups, self._names, strict=True):
                group.step([gradients[name] for name in names], bad)

    def scatter(self) -> None:
        """Put what the optimizers know back."""
        for group in self._groups:
            group.scatter(_counts(self._optimizers[0], group.weights[0].device))


def _counts(optimizer: Optimizer, device: torch.device) -> torch.device | None:
    """Return where an optimizer counts its steps."""
    if isinstance(optimizer, SGD):
        return None
    return torch.device("cpu") if isinstance(optimizer, RMSprop) else device


def _rows(tensors: Sequence[Tensor]) -> list[Row]:
    """Return the tensors of each row."""
    return [list(row) for row in zip(*(one.detach().unbind() for one in tensors), strict=True)]
