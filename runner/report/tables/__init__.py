"""What a study says on the terminal: a line a trial, the ranking, the answer."""

from runner.report.tables._answer import answer
from runner.report.tables._influence import correlations, importances
from runner.report.tables._line import line
from runner.report.tables._ranking import counts, top

__all__ = ["answer", "correlations", "counts", "importances", "line", "top"]
