"""Language: which token comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from runner.training.data import Dataset, Part
from runner.training.measures import Measure
from runner.training.tasks.classification import Classification
from runner.training.tasks.weighing import ignored

MOST_READ = 10_000  # samples of which tokens are counted, where a few have none


@dataclass(frozen=True)
class Language(Classification):
    """Scores (n, context, tokens) for the next tokens (n, context) of int64; what the loss ignores
    is padding.

    The loss and the metrics get them as (n * context, tokens) and (n * context,).
    """

    measures: Mapping[str, Measure] = field(default_factory=dict)
    metric: str = "loss"

    name = "language"
    takes = "(n, context) of int64, the next tokens"

    def check(self, data: Dataset) -> None:
        """Raise ValueError for targets that are no tokens."""
        self._check_whole(data, 2, self.ignored)

    @property
    def ignored(self) -> int:
        """The target that is padding."""
        return ignored(self.loss)

    @property
    def counts(self) -> bool:
        """Whether targets may count for nothing."""
        return True

    def pair(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return one row a token."""
        return outputs.flatten(0, -2), targets.flatten()

    def real(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return one row a token that is no padding."""
        rows, tokens = self.pair(outputs, targets)
        kept = tokens != self.ignored
        return rows[kept], tokens[kept]

    def samples(self, split: Part) -> int:
        """Return the number of tokens that are no padding; about, where they must be read."""
        targets = split.targets
        if not (targets != self.ignored).any() and len(targets) < len(split):
            known = split.known_targets(MOST_READ)
            targets = targets if known is None else known
        kept, there = int((targets != self.ignored).sum()), len(targets)
        return kept if there == len(split) else round(kept / there * len(split))
