"""How much each key decides."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from runner.report.pictures._figure import COLOURS, save, single, tail


def importance(found: Mapping[str, float], file: str | PathLike[str]) -> None:
    """Draw how much each key decides, as bars; where nothing can be told, there is no file."""
    if not found:
        Path(file).unlink(missing_ok=True)
        return
    title = "importance for being among the best trials"
    figure, axes = single(title, 1.2 + 0.42 * len(found))
    keys = list(found)[::-1]
    bars = axes.barh([tail(key, 40) for key in keys], [found[key] for key in keys], 0.65)
    for bar in bars:
        bar.set_color(COLOURS[0])
    axes.bar_label(bars, [f"{found[key]:.2f}" for key in keys], padding=4)
    axes.set_xlim(0, max(found.values()) * 1.12)
    axes.set_xlabel("share, of the keys that enough trials have (sum 1)")
    axes.grid(visible=False, axis="y")
    save(figure, file)
