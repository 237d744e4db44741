"""A dry run of a search: values of it are built, and not trained, before the first trial."""

from collections.abc import Mapping
from typing import Any

from runner.build.fusing import kind_of
from runner.build.setup import Setup, check
from runner.config.configurator import Configurator, words
from runner.config.shorthand import as_typed
from runner.errors import Mistake, out_of_memory
from runner.space import Choice, Ordered, Spec
from runner.space.quantities import exact
from runner.training import devices
from runner.training.fused import Likeness

MOST = 20  # values of a key


class DryRun:
    """Builds what is not trained. threads: the most that one of the runs would use by itself.
    first: the first values that were built, and what came of them. kinds: one of each kind that may
    train as one program, where they are kept.
    """

    def __init__(self, configurator: Configurator, *, keeps_kinds: bool = False) -> None:
        self.configurator = configurator
        self.threads = 1
        self.first: tuple[Mapping[str, Any], Setup] | None = None
        self._keeps_kinds = keeps_kinds
        self._kinds: dict[Likeness, Setup] = {}

    @property
    def kinds(self) -> list[Setup]:
        """One of each kind."""
        return list(self._kinds.values())

    def baseline(self) -> None:
        """Try the configuration without the search. Raises Mistake where it cannot be trained."""
        try:
            self.check({})
        except Mistake as mistake:
            where = (
                f"the baseline, the configuration without the search, cannot be trained: "
                f"{mistake.where}"
            )
            advice = "; ".join(
                filter(None, (mistake.advice, "or leave it out with study.baseline=false"))
            )
            raise Mistake(where, mistake.must, mistake.given, advice) from mistake

    def space(self) -> None:
        """Try every option of the groups and, with each, the ends of each range.

        Raises Mistake for a value that would be refused.
        """
        space = self.configurator.space
        for choices in space.combinations():
            entries = [
                entry
                for entry in space.entries
                if entry.key not in space.group_names
                and entry.holds(choices)
                and self.configurator.applies(choices, entry.key)
            ]
            first = {**choices, **{entry.key: ends(entry.spec)[0] for entry in entries}}
            self._try(first, first)
            for entry in entries:
                for value in ends(entry.spec)[1:]:
                    self._try({**first, entry.key: value}, {**choices, entry.key: value})

    def check(self, values: Mapping[str, Any]) -> None:
        """Build what a trial of some values would train. Raises Mistake where it cannot."""
        settings = self.configurator.settings(values)
        try:
            setup = check(settings)
        except (RuntimeError, MemoryError) as error:
            if out_of_memory(error):
                raise Mistake(devices.memory_advice(settings.train.batch_size)) from error
            raise
        self.first = self.first or (values, setup)
        if self._keeps_kinds:
            self._kinds.setdefault(kind_of(setup), setup)
        self.threads = max(self.threads, setup.settings.threads or 1)

    def _try(self, values: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
        try:
            self.check(values)
        except Mistake as mistake:
            tried = " ".join(map(as_typed, words(shown)))
            where = f"the search may try {tried}, but {mistake.where}"
            raise Mistake(where, mistake.must, mistake.given, mistake.advice) from mistake


def ends(spec: Spec) -> list[Any]:
    """Return the values of a search that are worth a try, the first one first."""
    if isinstance(spec, Ordered):
        return [spec.decode([end] * spec.count) for end in (0.0, 1.0)]
    size = spec.size()
    if size is not None and size <= MOST:
        return spec.values()
    if isinstance(spec, Choice):
        return [spec.values()[0], spec.values()[-1]]
    last = (
        exact(spec.high) if size is None else exact(spec.low) + (size - 1) * exact(spec.step or 1)
    )
    return [spec.show(exact(spec.low)), spec.show(last)]
