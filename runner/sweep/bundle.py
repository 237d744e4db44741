"""Jobs of a grid that one process runs at a time: one, or several as one program."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from runner.build.fusing import Beside, as_row, cannot, kind_of, width
from runner.build.setup import Setup
from runner.interrupts import Interrupts
from runner.report.say import warn
from runner.results.result import Result, Status
from runner.sweep.launch import Job, failed, not_started, run_here
from runner.sweep.sharing import Share
from runner.training.fused import Group, Likeness

Labelled = Callable[..., Result]  # of settings, what stands before its lines, who trains beside it
KEY = "sweep.fuse"


@dataclass(frozen=True)
class Bundle:
    """Jobs by their places among all, and the most of them that train as one program."""

    places: tuple[int, ...]
    jobs: tuple[Job, ...]
    width: int = 1

    @property
    def singles(self) -> list["Bundle"]:
        """The same jobs, each by itself."""
        pairs = zip(self.places, self.jobs, strict=True)
        return [Bundle((place,), (job,)) for place, job in pairs]

    def not_started(self) -> list[Result]:
        """Return what came of jobs that an interrupt has forestalled."""
        return [not_started(job) for job in self.jobs]

    def failed(self, reason: str) -> list[Result]:
        """Return what came of jobs that could not be run."""
        return [failed(job, reason) for job in self.jobs]

    def interrupted(self) -> list[Result]:
        """Return what came of jobs that were ended at once."""
        return [Result(job.name, Status.KILLED, reason="interrupted") for job in self.jobs]

    def run(self, run: Labelled, *, label: bool) -> list[Result]:
        """Run the jobs in this process. Nothing is raised: the results say what went wrong."""
        if self.width == 1:
            named = [partial(run, label=job.name) if label else run for job in self.jobs]
            return [run_here(job, one) for job, one in zip(self.jobs, named, strict=True)]
        found = self.interrupted()
        with Interrupts() as interrupts:
            beside = Beside(Group(self.width, warn), interrupts)

            def one(i: int) -> None:
                job = self.jobs[i]
                labelled = partial(run, label=job.name, beside=beside)
                stops = interrupts.requested()
                found[i] = not_started(job) if stops else run_here(job, labelled)

            with suppress(KeyboardInterrupt):
                beside.group.run(partial(one, i) for i in range(len(self.jobs)))
        return found


@dataclass
class Kinds:
    """Which jobs of a grid are alike, and how many of a kind train as one program.

    asked: for how many, None for as many as are fastest.
    """

    asked: int | None
    _setups: dict[Likeness, Setup] = field(default_factory=dict)
    _why: dict[Likeness, str] = field(default_factory=dict)

    def of(self, setup: Setup) -> Likeness | None:
        """Return the same for jobs that may train as one program; None where one cannot."""
        if self.asked == 1:
            return None
        key = kind_of(setup)
        if key not in self._why:
            _, self._why[key] = as_row(setup, Group(1))
            self._setups[key] = setup
        return None if self._why[key] else key

    def widths(
        self, jobs: Sequence[Job], order: Sequence[Share], processes: int
    ) -> Mapping[int, int]:
        """Return how many jobs train with each job as one program, by the job's place; say why it
        may be none.

        Raises Mistake where a number is asked for and no job can be fused, or not so many.
        """
        if self.asked == 1:
            return {}
        reasons = sorted(set(filter(None, self._why.values())))
        if reasons and self.asked is not None and all(self._why.values()):
            raise cannot(KEY, self.asked, reasons[0])
        for why in reasons:
            warn(f"note: what cannot be fused trains by itself: {why}")
        groups = [share.group for share in order]
        alone = {s.place for s in order if self.asked is not None or groups.count(s.group) == 1}
        if len(alone) < len(jobs):
            warn(f"note: {KEY}=auto: jobs that share a beginning train by themselves")
        found: dict[int, int] = {}
        for kind, setup in self._setups.items():
            places = [i for i, job in enumerate(jobs) if job.kind == kind and i in alone]
            if len(places) < 2:
                continue
            most = -(-len(places) // processes)
            wide, note = width(KEY, self.asked, most, [setup], processes)
            if note:
                warn(f"note: {note}")
            found.update(dict.fromkeys(places, wide))
        self._setups.clear()  # of their memory
        return found


def fused(jobs: Sequence[Job], widths: Mapping[int, int]) -> list[Job]:
    """Return jobs that know of how many rows their programs have at most."""
    return [
        replace(job, trial=replace(job.trial, recipe=replace(job.trial.recipe, fused=widths[i])))
        if job.trial is not None and widths.get(i, 1) > 1
        else job
        for i, job in enumerate(jobs)
    ]


def bundles(
    jobs: Sequence[Job], order: Sequence[Share], widths: Mapping[int, int], processes: int
) -> list[Bundle]:
    """Return all jobs as they are run, in order: those of a kind together, but so that there are
    some for each process."""
    left = [share.place for share in order]
    kinds = Counter(jobs[place].kind for place in widths)
    found = []
    while left:
        first = left[0]
        wide = widths.get(first, 1)
        alike = [place for place in left if jobs[place].kind == jobs[first].kind]
        size = min(wide, -(-kinds[jobs[first].kind] // processes)) if wide > 1 else 1
        places = [place for place in alike if widths.get(place, 1) == wide][:size]
        left = [place for place in left if place not in places]
        found.append(Bundle(tuple(places), tuple(jobs[place] for place in places), wide))
    return found
