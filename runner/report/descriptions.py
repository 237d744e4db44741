"""What runs, grids and studies say of themselves where they are recorded, as markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.report import markdown, runs, tables
from runner.report.words import counted
from runner.results.answer import Confirmed
from runner.results.definition import Definition
from runner.results.metrics import heading, number
from runner.results.result import Result
from runner.results.rows import Row
from runner.results.view import DESCRIPTION_CHARACTERS as MOST
from runner.results.view import STUDY, SWEEP

_SHOWN = 20  # rows of a table
_BREAK = "\n\n"
_CUT = "(cut: the whole is among the artifacts, {})"


def run(
    name: str,
    tags: Mapping[str, str],
    result: Result,
    total_steps: int,
) -> str:
    """Return what a run is, its figures and the command that repeats it.

    tags: of what it is part.
    """
    part = next(
        (f" of {kind} {markdown.text(tags[kind])}" for kind in (STUDY, SWEEP) if kind in tags),
        "",
    )
    lines = [f"**{markdown.text(name)}**{part}"]
    if result.metrics:
        keys = list(dict.fromkeys((*runs.columns([result]), *result.metrics)))
        figures = [number(key, result.metrics[key]) for key in keys]
        lines.append(markdown.table([[heading(key) for key in keys], figures]))
    steps = f"{result.steps} of {counted(total_steps, 'step')}"
    reason = result.reason or result.note
    said = f"{result.status}: {reason}" if reason else str(result.status)
    lines.append(markdown.text(f"{said}; {steps}, {result.seconds:.1f} s"))
    return fitted(_BREAK.join([*lines, markdown.code(result.command)]), "config.yaml")


def grid(results: Sequence[Result], pages: Sequence[str]) -> str:
    """Return what a grid has found: the best run, the ranking, the means over seeds.

    pages: how to open those that show its runs.
    """
    found = runs.best(results)
    lines = [f"best: **{markdown.text(found[0])}**"] if found else ["no run has finished"]
    lines += [markdown.table(runs.ranked(results)[: _SHOWN + 1])]
    if len(results) > _SHOWN:
        lines.append(f"and {counted(len(results) - _SHOWN, 'run')} more")
    if over_seeds := runs.means(results):
        lines.append(markdown.table(over_seeds[: _SHOWN + 1]))
    lines += [markdown.code(found[1].command)] if found else []
    return _BREAK.join([*lines, *(markdown.link("runs side by side", page) for page in pages[:1])])


@dataclass(frozen=True)
class Context:
    """What stands beside an answer.

    base: on what it was found. command: repeats it. files: what is kept of the run behind it.
    pages: how to open those with its runs, by what they show.
    """

    base: str
    command: str
    files: str
    pages: Mapping[str, str]


def study(
    definition: Definition,
    rows: Sequence[Row],
    answer: tuple[Sequence[Confirmed], Confirmed | None],
    otherwise: str,
    context: Context,
) -> str:
    """Return a study's answer: the sentence, the table, what was searched, how often and on what,
    the command that repeats it, and where its runs are.

    answer: the candidates over fresh seeds and the baseline. otherwise: the sentence where nothing
    was confirmed.
    """
    confirmed, baseline = answer
    goal = definition.goals[0]
    lines = [f"**{markdown.text(otherwise)}**"]
    if confirmed:
        lines = [f"**{markdown.text(tables.verdict(confirmed, baseline, goal))}**"]
        lines += [f"- {markdown.text(one)}" for one in tables.changed(confirmed, baseline, goal)]
        lines.append(markdown.text(tables.over_seeds(len(confirmed[0].per_seed), baseline)))
        lines.append(markdown.table(tables.candidates(confirmed, baseline, goal)))
    lines.append(markdown.code(context.command))
    lines.append(" · ".join(markdown.link(what, page) for what, page in context.pages.items()))
    lines.append(markdown.text(context.files))
    lines.append(markdown.text(f"{tables.counts(rows, definition.trials)}; {context.base}"))
    lines.append(f"searched, for {markdown.text(heading(goal.metric))} ({goal.direction}):")
    lines.append(markdown.table([["key", "values"], *_searched(definition)]))
    return _BREAK.join(filter(None, lines))


def _searched(definition: Definition) -> list[list[str]]:
    rows = []
    for entry in definition.space["entries"]:
        when = "".join(f" with {group}={o}" for group, o in entry.get("when", {}).items())
        rows.append([f"{entry['key']}{when}", entry["spec"]])
    return rows


def fitted(text: str, file: str = "description.md") -> str:
    """Return the first paragraphs of a description that is too long, with a word where the whole
    is: in a file among the artifacts.

    >>> fitted("short"), len(fitted("a paragraph\\n\\n" * 1000)) <= MOST
    ('short', True)
    """
    if len(text) <= MOST:
        return text
    cut = _CUT.format(file)
    kept: list[str] = []
    for part in text.split(_BREAK):
        if len(_BREAK.join([*kept, part, cut])) > MOST:
            break
        kept.append(part)
    return _BREAK.join([*kept, cut])
