"""The weights of a model in a captured state, by the names of its state dict."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from runner.training.capture.kinds import Kind
from runner.training.capture.reading import Code, Reading


def named(model: nn.Module, reading: Reading) -> dict[str, Code]:
    """Return where a reading has each weight and buffer of a model, by its names in the state dict:
    a weight of two modules has two. None of one that nobody looks at, in a module of torch's."""
    found = {}
    for path, module in model.named_modules(remove_duplicate=False):
        owner = reading.held.path(module)
        is_seen = owner is not None and reading.held.things[owner].kind is Kind.OWNER
        for name, one in {**module._parameters, **module._buffers}.items():
            if one is not None and name not in module._non_persistent_buffers_set:
                key = f"{path}.{name}" if path else name
                found[key] = reading.code(one, f"model.{key}") if is_seen else None
    return found


def weights_of(captured: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a model's weights and buffers as its state dict has them; of an averaged model those
    that are trained.

    Raises ValueError for what was captured of no model, and for what is not whole.
    """
    if "names" not in captured:
        parts = ", ".join(map(str, captured.get("parts", ()))) or "other parts"
        raise ValueError(f"it holds {parts} of a loop of its own, and no single model")
    found = {}
    for name, code in captured["names"].items():
        match code:
            case ("of", path) if path in captured["weights"]:
                found[name] = captured["weights"][path]
            case ("of", path) if path in captured["held"]:
                found[name] = captured["held"][path]
            case ("new", int(number)):
                found[name] = captured["new"][number][1][0]
            case _:
                raise ValueError(f"it does not say what {name} is")
    return found
