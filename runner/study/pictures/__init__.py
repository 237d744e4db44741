"""Pictures of a study, a PNG each; needs matplotlib.

A better value is darker, the best trial stands out, and the baseline is black. An axis of values
leaves out what lies far on the worse side, and marks it at its edge.
"""

from runner.study.pictures._history import history
from runner.study.pictures._importance import importance
from runner.study.pictures._parallel import parallel
from runner.study.pictures._slices import slices
from runner.study.pictures._traces import traces

__all__ = ["history", "importance", "parallel", "slices", "traces"]
