"""The line of a trial that has ended, and the table of the best trials."""

from collections.abc import Sequence

from runner.report.words import WIDEST, aligned, counted, cut, duration, shown, width
from runner.results.answer import ABSENT, front
from runner.results.definition import Definition
from runner.results.metrics import heading, number, spread
from runner.results.rows import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Row, ranked

_LONGEST_REASON = 60
_LONGEST_VALUE = 40
_FEWEST = 50  # letters that are left for values without a column of their own
_OTHERS = "other values"
_DIVERGED = "diverged"
_WORDS = {
    PRUNED: "pruned",
    _DIVERGED: "diverged",
    FAILED: "failed",
    RUNNING: "running",
}


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
    first, digits = definition.goals[0], len(str(total))
    parts = [
        f"[{done:{digits}}/{total}] {f'trial {row.number}':<{digits + 6}}",
        f"{_outcome(row, definition):<20}",
        f"best {number(first.metric, best.objective[0])} (trial {best.number})" if best else "",
        f"about {duration(seconds_left)} left" if seconds_left is not None else "",
        "baseline" if row.baseline else "",
        " ".join(f"{key}={shown(value)}" for key, value in row.values.items()),
    ]
    return cut("  ".join(part for part in parts if part).rstrip())


def _outcome(row: Row, definition: Definition) -> str:
    if row.diverged:
        said = "diverged"
    elif row.state == PRUNED:
        said = f"PRUNED (at {max(row.rungs)} %)" if row.rungs else "PRUNED"
    elif row.state == FAILED:
        return f"FAILED: {cut(' '.join(row.reason.split()), _LONGEST_REASON)}"
    else:
        pairs = zip(definition.goals, row.objective, strict=True)
        said = ", ".join(number(goal.metric, value, named=True) for goal, value in pairs)
    return said if row.copy_of is None else f"{said}, copy of trial {row.copy_of}"


def counts(rows: Sequence[Row], total: int) -> str:
    """Return how many of all trials ended in which way; copies are among those that are complete.

    >>> counts([Row(0, "COMPLETE"), Row(1, "COMPLETE", copy_of=0), Row(2, "PRUNED")], 3)
    '3 trials: 2 complete, 1 pruned, 1 copy'
    """
    rows = [row for row in rows if row.state != WAITING]
    states = [_DIVERGED if row.diverged else row.state for row in rows]
    copies = sum(row.copy_of is not None for row in rows)
    said = [f"{states.count(COMPLETE)} complete"]
    said += [f"{states.count(state)} {word}" for state, word in _WORDS.items() if state in states]
    said += [counted(copies, "copy", "copies")] if copies else []
    done = sum(row.state in (COMPLETE, PRUNED) for row in rows)
    of = f"{done} of {total} trials" if done < total else counted(len(rows), "trial")
    return f"{of}: {', '.join(said)}"


def top(rows: Sequence[Row], definition: Definition, n: int = 10) -> list[str]:
    """Return a table of the best trials and the baseline, with several goals of those that none
    beats, and how all of them ended.

    A line has no more than 160 characters: of too many keys those that the fewest trials have,
    then the last ones, share a column.

    >>> from runner.results.definition import Goal
    >>> study = Definition("", {}, (), {}, (Goal("val/loss", "minimize"),), trials=1)
    >>> print(*top([Row(7, "COMPLETE", {"lr": 0.1}, (0.5,), seconds=2.0)], study), sep="\\n")
    rank  trial  val loss  seconds  lr
       1      7       0.5      2.0  0.1
    1 trial: 1 complete
    """
    several = len(definition.goals) > 1
    order = front(rows, definition) if several else ranked(rows, definition)
    ranks = {rank: row for rank, row in enumerate(order, 1) if rank <= n or row.baseline}
    lines = ["trials that no other one beats in every goal"] if several and ranks else []
    if ranks:
        metrics = [heading(goal.metric) for goal in definition.goals]
        seeds = ["n"] if definition.seeds > 1 else []
        heads = ["rank", "trial", *metrics, *seeds, "seconds"]
        cells = [_cells(rank, row, definition) for rank, row in ranks.items()]
        table = _with_values([heads, *cells], list(ranks.values()))
        lines += [cut(line) for line in aligned(table, right=heads)]
    return [*lines, counts(rows, definition.trials)]


def _cells(rank: int, row: Row, definition: Definition) -> list[str]:
    figures = [
        spread(goal.metric, [seed[i] for seed in row.per_seed] or [row.objective[i]])
        for i, goal in enumerate(definition.goals)
    ]
    n = [str(len(row.per_seed) or 1)] if definition.seeds > 1 else []
    trial = f"{row.number} (baseline)" if row.baseline else str(row.number)
    return [str(rank), trial, *figures, *n, f"{row.seconds:.1f}"]


def _with_values(outcomes: list[list[str]], best: Sequence[Row]) -> list[list[str]]:
    """Return a table, the heading first, with as many keys in columns of their own as fit."""
    values = [{k: cut(shown(v), _LONGEST_VALUE) for k, v in row.values.items()} for row in best]
    keys = list(dict.fromkeys(key for row in values for key in row))
    having = {key: sum(key in row for row in values) for key in keys}
    leaving = sorted(keys, key=lambda key: (having[key], -keys.index(key)))
    for count in range(len(keys) + 1):
        own = [key for key in keys if key not in leaving[:count]]
        texts = [own, *([row.get(key, ABSENT) for key in own] for row in values)]
        table = [[*cells, *more] for cells, more in zip(outcomes, texts, strict=True)]
        others = [
            " ".join(f"{key}={row[key]}" for key in keys if key in row and key not in own)
            for row in values
        ]
        has_room = count and width(table) <= WIDEST - _FEWEST
        if count:
            for cells, other in zip(table, [_OTHERS, *others], strict=True):
                cells.append(other or ABSENT)
        if has_room or width(table) <= WIDEST:
            break
    return table
