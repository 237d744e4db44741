"""What a study says on the terminal: a line a trial, the ranking, the answer."""

from runner.study.tables._answer import answer
from runner.study.tables._figures import shown
from runner.study.tables._influence import correlations, importances
from runner.study.tables._line import line
from runner.study.tables._ranking import counts, top

__all__ = ["answer", "correlations", "counts", "importances", "line", "shown", "top"]
