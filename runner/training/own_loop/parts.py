"""What a loop hands over: the model whose weights are kept, and what else it needs to go on."""

from collections.abc import Mapping
from typing import Any

import torch

from runner.culprit import told
from runner.training.own_loop.rates import Refuse
from runner.training.own_loop.state import LoopState


class Parts:
    """Takes what a loop hands over into its state, and puts it back where the run goes on."""

    def __init__(self, state: LoopState, refuse: Refuse) -> None:
        self._state, self._refuse = state, refuse
        self._has_begun = False

    def keep(self, model: Any) -> None:
        """Take the model whose weights are kept, before any were."""
        best = self._state.best
        if best and not self._state.waiting and model is not self._state.model:
            text = f"run.keep is called after the first evaluation, that at step {best.step}"
            self._refuse(f"{text}: with train.keep=best call it before, with the one model")
        if not self._has_begun or all(part is not model for part in self._state.parts.values()):
            self.take("model", model)
        self._state.model = model

    def hand_over(self, parts: Mapping[str, Any]) -> None:
        """Take what else must be kept to go on."""
        for name, part in parts.items():
            self.take(name, part)
        self._state.is_handed_over = True

    def take(self, name: str, part: Any) -> None:
        """Take a part; where the run goes on, it becomes as it was."""
        ways = [getattr(part, way, None) for way in ("state_dict", "load_state_dict")]
        if isinstance(part, type) or not all(map(callable, ways)):
            kind = type(part).__name__
            given = f"the class {part.__name__}" if isinstance(part, type) else kind
            must = f"{name} must be handed over with state_dict() and load_state_dict()"
            self._refuse(f"{must}, got {given}")
        if self._has_begun and self._state.parts.get(name) is not part:
            self._state.unkept = f"{name} is handed over behind the first step"
        self._state.parts[name] = part
        if waiting := self._state.waiting:
            if name not in waiting.parts:
                lacks = "but the state that the run goes on from has none"
                self._refuse(f"{name} is handed over, {lacks}")
            try:
                waiting.restore(name, part)
            except Exception as error:
                text = f"{name} does not take the state that the run goes on from"
                self._refuse(f"{text} ({told(error)}); states=off trains it anew")

    def begin(self, device: torch.device) -> None:
        """Begin the first step, or the end without one: where the run goes on, as soon as all parts
        are there."""
        self._has_begun = True
        if (waiting := self._state.waiting) is None:
            return
        if missing := [name for name in waiting.parts if name not in self._state.parts]:
            text = f"the state has {' and '.join(missing)}, which the loop does not hand over"
            self._refuse(f"{text} before its first step")
        waiting.draw_again(device)
        self._state.known_groups = waiting.groups
        self._state.waiting = None

    def restore(self) -> None:
        """Put the weights back that are kept, so that they are tested."""
        if self._state.best is not None and self._state.model is None:
            self._refuse("train.keep=best tests the best weights: call run.keep(model) before")
        self._state.restore()
