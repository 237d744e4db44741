"""Whether a loop has handed over all that it needs to go on."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from runner.training.own_loop.rates import innermost
from runner.training.own_loop.state import LoopState

_WAY = "lets it go on"


def unkept(state: LoopState) -> str:
    """Return why no state of a loop is kept, "" where it can be.

    >>> unkept(LoopState())
    'the loop hands nothing over; run.hand_over(optimizer=...) lets it go on'
    """
    if state.unkept:
        return state.unkept
    if not state.is_handed_over:
        return f"the loop hands nothing over; run.hand_over(optimizer=...) {_WAY}"
    found = {id(_inner(part)): _inner(part) for part in state.parts.values()}
    if any(id(_inner(one)) not in found for one in state.optimizers):
        text = "an optimizer that takes the rate is not handed over"
        return f"{text}; run.hand_over(optimizer=...) {_WAY}"
    trained = [one for one in found.values() if isinstance(one, Optimizer)]
    params = [p for one in trained for group in one.param_groups for p in group["params"]]
    others = [one for one in found.values() if not isinstance(one, Optimizer)]
    held = {place for part in others for place in _places(part)}
    if any(p.data_ptr() not in held for p in params if p.numel()):
        return f"the weights that an optimizer trains are not handed over; run.keep(model) {_WAY}"
    return ""


def _inner(part: Any) -> Any:
    return innermost(part) if hasattr(part, "param_groups") else part


def _places(part: Any) -> Iterator[int]:
    """Yield where the tensors of a part lie."""
    tensors = part.parameters() if isinstance(part, nn.Module) else _tensors(part.state_dict())
    yield from (one.data_ptr() for one in tensors)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)
