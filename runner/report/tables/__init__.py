"""What a study says on the terminal: a line a trial, the ranking, the answer."""

from runner.report.tables._findings import (
    answer,
    candidates,
    changed,
    correlations,
    importances,
    over_seeds,
    verdict,
)
from runner.report.tables._trials import counts, line, top

__all__ = [
    "answer",
    "candidates",
    "changed",
    "correlations",
    "counts",
    "importances",
    "line",
    "over_seeds",
    "top",
    "verdict",
]
