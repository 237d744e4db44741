"""What is kept of a loop of a person's own while it trains."""

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.training.state import Progress, Weights

if TYPE_CHECKING:
    from runner.training.own_loop.reading import Reading
    from runner.training.own_loop.snapshot import Snapshot


class _NoWeights:
    """What is kept where a loop hands over no model."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> None:
        pass


@dataclass
class LoopState(Progress):
    """How far a loop is, and what it has handed over.

    decides: the name of the metric that says which of two runs is better. model: has the weights
    that are kept. optimizers: those that take the rate. folder: of its own files, once it asked
    for one. reported: the keys of its evaluations.

    parts: by name what must be kept to go on; waiting: where it goes on from, until the loop has
    handed them over. is_handed_over: whether it has handed over more than the model. reading: the
    batches that it is in. unkept: why no state of it can be gone on from.
    """

    decides: str = "loss"
    model: Weights | None = None
    optimizers: list[Any] = field(default_factory=list)
    folder: Path | None = None
    parts: dict[str, Weights] = field(default_factory=dict)
    waiting: "Snapshot | None" = None
    is_handed_over: bool = False
    reading: "Reading | None" = None
    unkept: str = ""
    reported: set[str] = field(default_factory=set)
    known_groups: Sequence[Mapping[str, Any]] = ()

    @property
    def kept(self) -> Weights:
        """What has the weights that are kept in the end."""
        return _NoWeights() if self.model is None else self.model

    @property
    def metric(self) -> str:
        """The key of what says which of two evaluations is better."""
        return f"val/{self.decides}"

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups that take the rate; what is known of them where none has yet."""
        taking = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        return taking or [dict(one) for one in self.known_groups]

    def make_folder(self) -> Path:
        """Return an empty folder, the same one each time, that goes when nobody needs the state."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="runner-"))
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        return self.folder
