"""The pages that show a study's runs side by side."""

from collections.abc import Callable, Sequence

from runner.report import views
from runner.results.definition import Definition
from runner.space import Space
from runner.tracking import Tracker, arrange


def show_study(
    name: str,
    definition: Definition,
    space: Space,
    trackers: Sequence[Tracker],
    candidates: Sequence[str] | None = (),
    warn: Callable[[str], None] = lambda line: None,
) -> dict[str, str]:
    """Let trackers show a study's trials and what confirms its answer; return how to open each
    page, by what it shows.

    candidates: those that are confirmed, () before they are known, None where none is.
    warn: told why a page is not shown.
    """
    found = {"trials": views.trials(name, definition, space)}
    if candidates is not None and definition.confirm_seeds:
        found["confirmations"] = views.confirmations(name, definition, candidates)
    pages = arrange(trackers, definition.experiment, list(found.values()), warn)
    return {what: pages[view.name] for what, view in found.items() if view.name in pages}
