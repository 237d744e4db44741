"""Functions that train side by side: in which order they go on, wait, fail and are interrupted."""

import copy
from typing import Any

import pytest
import torch

from runner import pausing
from runner.results.events import Chunk
from runner.training.clipping import Unclipped
from runner.training.data import Dataset, Split
from runner.training.fused import Group, group
from runner.training.loop import train
from runner.training.models import MLP
from runner.training.state import State
from runner.trial import Numbers, Recipe, Trial
from schedules import Constant, Horizon

STEPS = 12
HORIZON = Horizon(STEPS, 4)


def digits(n: int) -> Split:
    generator = torch.Generator().manual_seed(n)
    inputs = torch.randn(n, 4, generator=generator)
    return Split(inputs, (inputs.sum(1) > 0).long())


DATA = Dataset(digits(32), digits(8), digits(9), classes=2)


def made(lr: float = 0.1, eval_every: int = 4, model: type = MLP) -> tuple[State, Trial]:
    torch.manual_seed(0)
    net = model((4,), 2, hidden=[4])
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    recipe = Recipe({}, {}, {}, {}, 8, 0, "float32", "cpu", 1, None, {})
    numbers = Numbers({"lr": Constant(lr=lr).bind(HORIZON)}, HORIZON)
    return State(net, optimizer, Unclipped()), Trial(recipe, numbers, eval_every)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Of each program its rows, its first step and its steps."""
    seen: list[tuple[int, int, int]] = []
    chunks = group.chunks

    def counted(loops: Any, *given: Any) -> list[Chunk]:
        found = chunks(loops, *given)
        seen.append((len(loops), found[0].start, len(found[0])))
        return found

    monkeypatch.setattr(group, "chunks", counted)
    return seen


class Training:
    """Trains, as a function of a group does, and keeps what it hears."""

    def __init__(self, together: Group, state: State, trial: Trial) -> None:
        self.together, self.state, self.trial = together, state, trial
        self.events: list[Any] = []
        self.ended = ""

    def __call__(self) -> None:
        updates = self.together.row(self.state, self.trial)
        try:
            for event in train(self.state, self.trial, DATA, updates=updates):
                self.events.append(event)
                self.heard()
        except BaseException as error:
            self.ended = type(error).__name__
            raise
        self.ended = "finished"

    def heard(self) -> None:
        """Nothing is done."""


def test_updates_are_made_together(programs) -> None:
    together = Group(3)
    trainings = [Training(together, *made(0.1 * (1 + i))) for i in range(3)]
    assert together.run(trainings) == 3
    assert programs == [(3, 0, 4), (3, 4, 4), (3, 8, 4)]
    assert [one.ended for one in trainings] == ["finished"] * 3
    assert [one.state.step for one in trainings] == [STEPS] * 3


def test_who_is_behind_catches_up_and_joins(programs) -> None:
    together = Group(2)
    ahead, behind = made(0.1), made(0.2)
    for _ in train(*copy.deepcopy(ahead), DATA):
        pass
    state, trial = ahead
    for event in train(state, trial, DATA, should_stop=lambda: state.step >= 6, cuts=[6]):
        if state.step >= 6 and isinstance(event, Chunk):
            break
    together.run([Training(together, *ahead), Training(together, *behind)])
    assert programs == [(2, 6, 2), (2, 8, 4)]  # alone up to there


def test_what_differs_in_more_than_numbers_trains_apart(programs) -> None:
    class Other(MLP):
        pass

    together = Group(4)
    pairs = [made(), made(0.2)]
    others = [(s, Trial(recipe(t), t.numbers, t.eval_every)) for s, t in (made(), made(0.2))]
    together.run([Training(together, *one) for one in (*pairs, *others)])
    assert {rows for rows, _, _ in programs} == {2}
    assert len(programs) == 6


def recipe(trial: Trial) -> Recipe:
    return Recipe({"_target_": "Other"}, {}, {}, {}, 8, 0, "float32", "cpu", 1, None, {})


def test_who_waits_lets_others_train() -> None:
    together = Group(2)
    order: list[str] = []
    trained = Training(together, *made())

    def waits() -> None:
        while trained.ended != "finished":
            order.append(f"waits at {trained.state.step}")
            pausing.pause(30.0)
        order.append("goes on")

    together.run([waits, trained])
    assert order == ["waits at 0", "waits at 4", "waits at 8", "goes on"]


def test_what_one_raises_ends_all(programs) -> None:
    class Fails(Training):
        def heard(self) -> None:
            raise OSError("no room")

    together = Group(3)
    one, other = Training(together, *made()), Fails(together, *made(0.2))
    with pytest.raises(OSError, match="no room"):
        together.run([one, other])
    assert (one.ended, other.ended) == ("KeyboardInterrupt", "OSError")


def test_ctrl_c_in_a_program_ends_all(monkeypatch) -> None:
    def insists(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(group, "chunks", insists)
    together = Group(2)
    trainings = [Training(together, *made(lr)) for lr in (0.1, 0.2)]
    with pytest.raises(KeyboardInterrupt):
        together.run(trainings)
    assert [one.ended for one in trainings] == ["KeyboardInterrupt"] * 2


def test_who_fails_by_itself_fails_alone() -> None:
    class Breaks(MLP):
        broken = False

        def forward(self, x):
            if self.broken and self.training:  # not where it is evaluated
                raise RuntimeError("a wire came loose")
            return super().forward(x)

    class Survives(Training):
        def __call__(self) -> None:
            try:
                super().__call__()
            except RuntimeError as error:
                self.ended = str(error)

    class Loosens(Survives):
        def heard(self) -> None:
            self.state.model.broken = True

    together = Group(2)
    good, bad = Survives(together, *made(model=Breaks)), Loosens(together, *made(model=Breaks))
    together.run([bad, good])  # the model of the first is the one that is called
    assert (good.ended, bad.ended) == ("finished", "a wire came loose")
