"""How much each key decides."""

from collections.abc import Mapping

from runner.study.pictures._figure import COLOURS, File, blank, nothing, save, single, tail

_TITLE = "importance for being among the best trials"
_EMPTY = "it takes five finished trials that differ in two keys and in their value to tell"


def importance(found: Mapping[str, float], file: File) -> None:
    """Draw how much each key decides, as bars."""
    if not found:
        nothing(blank(_TITLE, 3.0), file, _EMPTY)
        return
    figure, axes = single(_TITLE, 1.2 + 0.42 * len(found))
    keys = list(found)[::-1]
    bars = axes.barh([tail(key, 40) for key in keys], [found[key] for key in keys], height=0.65)
    for bar in bars:
        bar.set_color(COLOURS[0])
    axes.bar_label(bars, [f"{found[key]:.2f}" for key in keys], padding=4)
    axes.set_xlim(0, max(found.values()) * 1.12)
    axes.set_xlabel("share, all keys sum to 1")
    axes.grid(visible=False, axis="y")
    save(figure, file)
