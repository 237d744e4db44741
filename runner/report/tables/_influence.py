"""What made trials good, and how early it showed, in lines."""

import math
from collections.abc import Mapping

from runner.report.layout import aligned

_BAR = 40  # marks of an importance of 1


def importances(found: Mapping[str, float]) -> list[str]:
    """Return how much each key decides, as bars; nothing where that is not known.

    >>> importances({"lr": 0.75, "schedule": 0.25})[1:]
    ['  lr        0.75  ##############################', '  schedule  0.25  ##########']
    """
    if not found:
        return []
    bars = [[key, f"{share:.2f}", "#" * round(_BAR * share)] for key, share in found.items()]
    head = "importance for being among the best (of keys that at least 10 trials have)"
    return [head, *(f"  {line}" for line in aligned(bars))]


def correlations(found: Mapping[int, tuple[float, int]]) -> list[str]:
    """Return how well the values at shares of the run foretold the final ones, in a line.

    >>> correlations({20: (0.31, 25), 40: (0.62, 25)})
    ['rank correlation of early values with final ones: at 20 % of the run 0.31, 40 % 0.62 (n 25)']
    """
    if not found:
        return []
    sizes = {n for _, n in found.values()}
    each = [
        f"{rung} % {'not defined' if math.isnan(rank) else f'{rank:.2f}'}"
        + (f" (n {n})" if len(sizes) > 1 else "")
        for rung, (rank, n) in found.items()
    ]
    of_all = f" (n {sizes.pop()})" if len(sizes) == 1 else ""
    said = ", ".join(each).replace(" %", " % of the run", 1)
    return [f"rank correlation of early values with final ones: at {said}{of_all}"]
