"""What a study says on the terminal: a line a trial, the ranking, the answer."""

from runner.report.tables._findings import answer, correlations, importances
from runner.report.tables._trials import counts, line, top

__all__ = ["answer", "correlations", "counts", "importances", "line", "top"]
