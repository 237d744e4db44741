"""Pictures of a study, a PNG each; needs matplotlib.

A better value is darker; the answer, the best of the search and the baseline stand out. An axis of
values leaves out what lies far on the worse side, which has a strip of its own beyond it.
"""

from runner.report.pictures._history import history
from runner.report.pictures._importance import importance
from runner.report.pictures._parallel import parallel
from runner.report.pictures._slices import slices
from runner.report.pictures._traces import traces

__all__ = ["history", "importance", "parallel", "slices", "traces"]
