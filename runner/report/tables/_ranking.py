"""The table of the best trials."""

from collections.abc import Collection, Sequence

from runner.report.layout import WIDEST, aligned, width
from runner.report.words import counted, cut, heading, shown, spread
from runner.results.answer import ABSENT, front
from runner.results.definition import Definition
from runner.results.rows import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Row, ranked

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
    ranks = [(rank, row) for rank, row in enumerate(order, start=1) if rank <= n or row.baseline]
    best = [row for _, row in ranks]
    if not best:
        return [counts(rows, definition.trials)]
    head = ["trials that no other one beats in every goal"] if several else []
    return [*head, *_fitting(best, _outcomes(ranks, definition)), counts(rows, definition.trials)]


def counts(rows: Sequence[Row], total: int) -> str:
    """Return how many of all trials ended in which way; copies are among those that are complete.

    >>> counts([Row(0, "COMPLETE"), Row(1, "COMPLETE", copy_of=0), Row(2, "PRUNED")], 3)
    '3 trials: 2 complete, 1 pruned, 1 copy'
    """
    rows = [row for row in rows if row.state != WAITING]
    states = [_DIVERGED if row.diverged else row.state for row in rows]
    copies = sum(row.copy_of is not None for row in rows)
    said = [f"{states.count(COMPLETE)} complete"]
    for state, word in _WORDS.items():
        said += [f"{states.count(state)} {word}"] if state in states else []
    said += [counted(copies, "copy", "copies")] if copies else []
    done = sum(row.state in (COMPLETE, PRUNED) for row in rows)
    of = f"{done} of {total} trials" if done < total else counted(len(rows), "trial")
    return f"{of}: {', '.join(said)}"


def _outcomes(ranks: Sequence[tuple[int, Row]], definition: Definition) -> list[list[str]]:
    """Return how good each trial is, below a heading."""
    seeds = ["n"] if definition.seeds > 1 else []
    metrics = [heading(goal.metric) for goal in definition.goals]
    table = [["rank", "trial", *metrics, *seeds, "seconds"]]
    for rank, row in ranks:
        figures = [
            spread(goal.metric, [seed[i] for seed in row.per_seed] or [row.objective[i]])
            for i, goal in enumerate(definition.goals)
        ]
        n = [str(len(row.per_seed) or 1)] if seeds else []
        trial = f"{row.number} (baseline)" if row.baseline else str(row.number)
        table.append([str(rank), trial, *figures, *n, f"{row.seconds:.1f}"])
    return table


def _fitting(best: Sequence[Row], outcomes: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of the table with as many keys in columns of their own as fit."""
    keys = list(dict.fromkeys(key for row in best for key in row.values))
    having = {key: sum(key in row.values for row in best) for key in keys}
    leaving = sorted(keys, key=lambda key: (having[key], -keys.index(key)))
    for count in range(len(keys) + 1):
        others = [key for key in keys if key in leaving[:count]]
        own = _own(best, [key for key in keys if key not in others])
        columns = [[*outcome, *values] for outcome, values in zip(outcomes, own, strict=True)]
        shared = zip(columns, _others(best, others), strict=True)
        table = [[*cells, *more] for cells, more in shared]
        if width(table) <= WIDEST or (others and width(columns) <= WIDEST - _FEWEST):
            break
    return [cut(line, WIDEST) for line in aligned(table, right=outcomes[0])]


def _own(best: Sequence[Row], keys: Sequence[str]) -> list[list[str]]:
    """Return the values of the keys with a column of their own, below a heading."""
    values = [[_value(row.values.get(key, ABSENT)) for key in keys] for row in best]
    return [list(keys), *values]


def _others(best: Sequence[Row], keys: Collection[str]) -> list[list[str]]:
    """Return the values of the keys that share a column, below a heading."""
    if not keys:
        return [[]] * (len(best) + 1)
    texts = [
        [f"{key}={_value(row.values[key])}" for key in keys if key in row.values] for row in best
    ]
    return [[_OTHERS], *([" ".join(text) or ABSENT] for text in texts)]


def _value(value: object) -> str:
    return cut(shown(value), _LONGEST_VALUE)
