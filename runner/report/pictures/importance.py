"""How much each key decides."""

from collections.abc import Mapping

from runner.report.pictures.picture import Axis, Panel, Picture

_LABEL = "share, of the keys that enough trials have (sum 1)"


def importance(found: Mapping[str, float]) -> Picture:
    """Return how much each key decides, as bars, the first on top; nothing where that is not
    known."""
    shares = dict(list(found.items())[::-1])
    x = Axis(_LABEL, (0.0, max(shares.values(), default=1.0) * 1.12))
    panel = Panel(x, Axis(ticks=dict(enumerate(shares))), bars=tuple(shares.values()))
    title, height = "importance for being among the best trials", 1.2 + 0.42 * len(found)
    return Picture(title, (panel,) if found else (), height, empty="")
