"""How much each key decides."""

from collections.abc import Mapping

from runner.report.pictures.picture import Axis, Panel, Picture


def importance(found: Mapping[str, float]) -> Picture:
    """Return how much each key decides, as bars, the first on top; nothing where that is not
    known."""
    keys = list(found)[::-1]
    x = Axis(
        "share, of the keys that enough trials have (sum 1)",
        (0.0, max(found.values(), default=1.0) * 1.12),
    )
    bars = tuple(found[key] for key in keys)
    panel = Panel(x, Axis(ticks=dict(enumerate(keys))), bars=bars)
    return Picture(
        "importance for being among the best trials",
        (panel,) if found else (),
        1.2 + 0.42 * len(found),
        empty="",
    )
