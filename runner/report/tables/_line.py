"""The line of a trial that has ended."""

from runner.report.layout import WIDEST
from runner.report.words import cut, duration, figure, number, shown
from runner.results.definition import Definition
from runner.results.rows import FAILED, PRUNED, Row

_LONGEST_REASON = 60


def line(
    row: Row,
    definition: Definition,
    best: Row | None,
    done: int,
    total: int,
    seconds_left: float | None,
) -> str:
    """Return what is said when a trial ends, of no more than 160 characters.

    best: the best trial so far by the first goal. done: how many of the total have ended.

    >>> from runner.results.definition import Goal
    >>> study = Definition("", {}, (), {}, (Goal("val/accuracy", "maximize"),))
    >>> row = Row(11, "COMPLETE", {"schedule": "cosine", "lr": 0.0031}, (0.9133,))
    >>> line(row, study, row, 12, 40, 40.0)[:76]
    '[12/40] trial 11  val accuracy 91.33 %  best 91.33 % (trial 11)  about 40 s '
    """
    first = definition.goals[0]
    parts = [
        f"[{done:{len(str(total))}}/{total}] {f'trial {row.number}':<{len(str(total)) + 6}}",
        f"{_outcome(row, definition):<20}",
        f"best {number(first.metric, best.objective[0])} (trial {best.number})" if best else "",
        f"about {duration(seconds_left)} left" if seconds_left is not None else "",
        "baseline" if row.baseline else "",
        " ".join(f"{key}={shown(value)}" for key, value in row.values.items()),
    ]
    return cut("  ".join(part for part in parts if part).rstrip(), WIDEST)


def _outcome(row: Row, definition: Definition) -> str:
    if row.diverged:
        said = "diverged"
    elif row.state == PRUNED:
        said = f"PRUNED (at {max(row.rungs)} %)" if row.rungs else "PRUNED"
    elif row.state == FAILED:
        return f"FAILED: {cut(' '.join(row.reason.split()), _LONGEST_REASON)}"
    else:
        pairs = zip(definition.goals, row.objective, strict=True)
        said = ", ".join(figure(goal.metric, value) for goal, value in pairs)
    return said if row.copy_of is None else f"{said}, copy of trial {row.copy_of}"
