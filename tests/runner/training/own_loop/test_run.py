"""A loop of a person's own: the rates it takes, what it logs and reports, and what is refused."""

import random
import time

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from runner.errors import Diverged, Misuse
from runner.results.events import Chunk, Evaluation
from runner.results.records import Records
from runner.training import own_loop
from runner.training.own_loop import LoopState, Run, Teller
from runner.training.state import BestKeeper
from runner.trial import Numbers, Recipe, Trial
from schedules import Horizon, Polynomial, ReduceOnPlateau

CPU = torch.device("cpu")
STEPS = 10


def trial(schedule=None, total=STEPS, eval_every=5, **more):
    """A trial with a line from 1.0 at step 0 to 0.0 at its end."""
    horizon = Horizon(total, 5)
    schedule = schedule or Polynomial(lr=1.0, decay_steps="100%")
    parts = {key: {} for key in ("model", "dataset", "optimizer", "clipping", "versions")}
    rest = {"precision": "float32", "device": "cpu", "threads": 1, "weights": None}
    recipe = Recipe(**parts, batch_size=0, seed=3, **rest, loop={"keys": {}})
    return Trial(recipe, Numbers({"lr": schedule.bind(horizon)}, horizon), eval_every, **more)


@pytest.fixture
def called():
    """Calls a function with a run; returns what was heard and the state."""

    def call(function, of=None, should_stop=lambda: False, listeners=(), test=False, best=False):
        of, records, state = of or trial(), Records(), LoopState()
        state.memory = of.numbers["lr"].begin()
        keeper = [BestKeeper(state)] if best else []
        call.records, call.state = records, state

        def hear(event):
            for listener in (records, *keeper, *listeners):
                listener.hear(event)

        teller = Teller(of, state, {"loss", "accuracy"}, hear)
        own_loop.train(function, Run(of, state, teller, CPU, {}, should_stop, test=test))
        return records, state

    return call


def weight(lr_scale=1.0, momentum=0.0):
    """One weight at 5.0 and its optimizer."""
    w = torch.nn.Parameter(torch.tensor(5.0))
    groups = [{"params": [w], "lr_scale": lr_scale}]
    return w, torch.optim.SGD(groups, lr=9.0, momentum=momentum)


def updated(w, optimizer):
    """Make an update of a loss that is the weight itself; return the loss."""
    optimizer.zero_grad()
    w.backward()
    optimizer.step()
    return w


def test_each_update_takes_its_rate_and_each_group_its_share(called) -> None:
    seen = []

    def function(run):
        w, optimizer = weight(lr_scale=0.5)
        for step in run.steps():
            run.set_rate(optimizer)
            before = w.item()
            updated(w, optimizer)
            seen.append((step, before - w.item()))
            run.log(loss=before)
        run.report(val_loss=1.0)

    records, state = called(function)
    assert [step for step, _ in seen] == list(range(10))
    line = [1 - t / 10 for t in range(10)]
    assert [moved for _, moved in seen] == pytest.approx([rate / 2 for rate in line], abs=1e-6)
    assert records.column("train/lr").tolist() == trial().numbers.trace("lr").tolist()
    assert records.column("train/loss")[:3] == pytest.approx([5, 4.5, 4.05])
    assert state.step == 10
    assert [one["lr"] for one in state.groups] == [0.5 * trial().numbers.trace("lr")[-1]]


def test_a_rate_as_a_number_is_the_schedules(called) -> None:
    rates = []

    def function(run):
        rates.append(run.lr)
        for _ in run.steps():
            rates.append(run.lr)
        run.report({"val/loss": 0.5})

    called(function)
    assert rates == [1.0, *trial().numbers.trace("lr").tolist()]


def test_an_update_with_another_rate_is_refused(called) -> None:
    def function(run):
        w, optimizer = weight()
        decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        for _ in run.steps():
            run.set_rate(optimizer)
            decay.step() if run.step == 3 else None
            updated(w, optimizer)

    with pytest.raises(
        Misuse, match=r"update at step 3 takes the rate 0\.35, but the .* says 0\.7"
    ):
        called(function)
    assert len(called.records.column("train/lr")) == called.state.step == 3


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize(
    ("updates", "text"),
    [
        ([1, 1, 0], "step 2 makes no update of an optimizer that has the step's rate"),
        ([1, 2], "an optimizer makes two updates at step 1"),
    ],
)
def test_each_step_is_one_update(called, updates, text) -> None:
    def function(run):
        w, optimizer = weight()
        for step in run.steps():
            run.set_rate(optimizer)
            for _ in range(updates[step] if step < len(updates) else 1):
                updated(w, optimizer)

    with pytest.raises(Misuse, match=text):
        called(function)


def test_an_update_may_be_left_out_on_purpose(called) -> None:
    def function(run):
        w, optimizer = weight()
        for step in run.steps():
            run.set_rate(optimizer)
            run.skip() if step == 2 else updated(w, optimizer)
        run.report(loss=1.0)

    assert called(function)[1].step == 10


def test_updates_outside_of_steps_or_without_the_rate_are_refused(called) -> None:
    def behind(run):
        w, optimizer = weight()
        for _ in run.steps():
            run.set_rate(optimizer)
            updated(w, optimizer)
        updated(w, optimizer)

    def stale(run):
        w, optimizer = weight()
        for step in run.steps():
            run.set_rate(optimizer) if step != 4 else run.lr
            updated(w, optimizer)

    with pytest.raises(Misuse, match=r"makes an update outside of the run's steps"):
        called(behind)
    with pytest.raises(Misuse, match=r"update at step 4 without the step's rate"):
        called(stale)


def test_steps_that_are_left_out_are_an_error(called) -> None:
    def breaks(run):
        for step in run.steps():
            run.lr  # noqa: B018
            run.report(val_loss=1.0)
            if step == 6:
                break

    def zips(run):  # the last pair's step is lost
        for _ in range(2):
            for _ in zip(run.steps(), range(4), strict=False):
                run.lr  # noqa: B018

    with pytest.raises(Misuse, match=r"^the loop ends after 7 of 10 steps$"):
        called(breaks)
    with pytest.raises(Misuse, match=r"^step 4 takes no rate: "):
        called(zips)


def test_a_misuse_counts_where_the_loop_goes_on(called) -> None:
    def function(run):
        for _ in run.steps():
            run.lr  # noqa: B018
            try:
                run.log(val_loss=1.0, **{"val/loss": 2.0})
            except Exception:
                continue
        run.report(val_loss=1.0)

    with pytest.raises(Misuse, match=r"val/loss is a figure of an evaluation"):
        called(function)
    assert called.state.step == 10


def test_batches_go_round_and_steps_can_be_taken_one_by_one(called) -> None:
    fetched, nested = [], []

    def round_and_round(run):
        def loader():
            for i in range(3):
                fetched.append(i)
                yield i

        class Loader:
            __iter__ = staticmethod(loader)

        for _ in run.batches(Loader()):
            run.lr  # noqa: B018
        run.report(loss=1.0)

    def one_by_one(run):
        while not run.should_stop:
            for _ in range(5):
                nested.append(next(run.steps()))
                run.lr  # noqa: B018
        run.report(loss=1.0)

    called(round_and_round)
    assert fetched == [0, 1, 2] * 3 + [0]
    called(one_by_one)
    assert nested == list(range(10))


def test_numbers_are_masked_where_nothing_was_logged(called) -> None:
    def function(run):
        for step in run.steps():
            run.lr  # noqa: B018
            run.log({"loss": torch.tensor(step + 0.5, dtype=torch.float64)}, count=step)
            if step % 4 == 0:
                run.log(rare=np.float32(step))
                run.log(rare=step + 1)
        run.report(loss=1.0)

    records, _ = called(function)
    assert records.column("train/loss").tolist() == [t + 0.5 for t in range(10)]
    assert records.column("train/count").tolist() == list(range(10))
    points = [
        (key, value, step) for chunk in records.chunks for key, value, _, step in chunk.points()
    ]
    assert [p[1:] for p in points if p[0] == "train/rare"] == [(1, 0), (5, 4), (9, 8)]
    rare = records.arrays()["train/rare"]
    assert np.flatnonzero(~np.isnan(rare)).tolist() == [0, 4, 8]
    assert len([p for p in points if p[0] == "train/lr"]) == 10


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.ones(2), r"loss must be logged as one real number, got a tensor of shape \(2,\)"),
        ("high", "loss must be logged as one real number, got str"),
        (torch.tensor(1j), "loss must be logged as one real number, got a tensor"),
    ],
)
def test_what_is_no_number_is_not_logged(called, value, text) -> None:
    def function(run):
        for _ in run.steps():
            run.lr  # noqa: B018
            run.log(loss=value)

    with pytest.raises(Misuse, match=text):
        called(function)


class Reads(TorchDispatchMode):
    """Counts the times that a tensor's value is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_no_step_waits_for_the_device(called, monkeypatch) -> None:
    heard, reads = [], []
    plain = torch.Tensor.cpu

    def cpu(tensor):
        reads.append(len(heard))
        return plain(tensor)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)

    class Ear:
        def hear(self, event):
            heard.append(event)

    def function(run):
        w, optimizer = weight()
        with Reads() as counted:
            for _ in run.steps():
                run.set_rate(optimizer)
                run.log(loss=updated(w, optimizer), norm=w.detach() * 2)
        assert counted.count == 0
        run.report(val_loss=1.0)

    called(function, trial(total=450, eval_every=450), listeners=[Ear()])
    assert [len(event) for event in heard if isinstance(event, Chunk)] == [200, 200, 50]
    assert reads == [0, 0, 1, 1, 2, 2]  # both columns of each chunk


def test_what_changes_later_is_logged_as_it_was(called) -> None:
    def function(run):
        total = torch.zeros(())
        for _ in run.steps():
            run.lr  # noqa: B018
            run.log(loss=total.add_(1))
        run.report(loss=1.0)

    assert called(function)[0].column("train/loss").tolist() == list(range(1, 11))


def test_an_evaluation_is_heard_behind_its_steps(called) -> None:
    def function(run):
        for _ in run.steps():
            run.lr  # noqa: B018
            if run.evaluates:
                run.report(val_loss=torch.tensor(0.5))
                run.report({"val/accuracy": 0.75})
            run.log(loss=1.0)

    events = []
    called(function, listeners=[type("Ear", (), {"hear": staticmethod(events.append)})])
    assert [type(event) for event in events] == [Chunk, Evaluation] * 2
    assert [event.start + len(event) for event in events[::2]] == [5, 10]
    figures = {"val/loss": 0.5, "val/accuracy": 0.75}
    assert [(event.step, event.metrics) for event in events[1::2]] == [(5, figures), (10, figures)]


def test_a_schedule_listens_to_what_is_reported(called) -> None:
    plateau = ReduceOnPlateau(lr=0.8, patience=1, min_delta=0.0)
    rates = []

    def function(run):
        for step in run.steps():
            rates.append(run.lr)
            if run.evaluates:
                run.report(val_loss=-step if step < 4 else 2.0)

    records, _ = called(function, trial(plateau, eval_every=2))
    assert rates == [0.8] * 6 + [0.4] * 2 + [0.2] * 2
    assert records.column("train/lr").tolist() == rates


def test_reports_of_what_nobody_knows_or_twice_are_refused(called) -> None:
    def reporting(**figures):
        def function(run):
            for _ in run.steps():
                run.lr  # noqa: B018
                run.report(val_loss=1.0)
                run.report(**figures)

        return function

    def behind(run):
        for _ in run.steps():
            run.lr  # noqa: B018
            if run.evaluates:
                run.report(val_loss=1.0)
        run.report(val_loss=1.0)

    with pytest.raises(Misuse, match=r"^'acuracy' is reported, .* \(did you mean 'accuracy'\?\)"):
        called(reporting(val_acuracy=1.0))
    with pytest.raises(Misuse, match=r"^val/loss is reported twice at step 1$"):
        called(reporting(loss=2.0))
    with pytest.raises(Misuse, match=r"^val/loss is reported twice at step 10$"):
        called(behind)
    with pytest.raises(Misuse, match=r"^accuracy must be reported as one number, got list$"):
        called(reporting(accuracy=[1.0]))
    with pytest.raises(Misuse, match=r"^test/loss is reported where run.tests\(\) does not ask"):
        called(reporting(test_loss=2.0))


def test_a_run_that_never_reports_or_reports_behind_its_end_is_refused(called) -> None:
    kept = []

    def silent(run):
        kept.append(run)
        for _ in run.steps():
            run.lr  # noqa: B018

    with pytest.raises(Misuse, match=r"^the loop never reports val/loss: run.report\(val_loss="):
        called(silent)
    with pytest.raises(Misuse, match=r"^the run has ended: its function has returned$"):
        kept[0].report(val_loss=1.0)


def test_a_loss_that_is_not_finite_ends_the_run_with_its_step_and_rate(called) -> None:
    steps = []

    def logs(run):
        for step in run.steps():
            steps.append(step)
            run.lr  # noqa: B018
            run.log(loss=torch.tensor(float("inf") if step >= 13 else 1.0))
        raise RuntimeError("what fails after it is nothing")

    with pytest.raises(Diverged, match=r"^train/loss is inf at step 13, learning rate 0\.9675$"):
        called(logs, trial(total=400, eval_every=400))
    assert called.records.column("train/loss").tolist() == [1.0] * 13 + [float("inf")]
    assert called.state.step == 13
    assert steps[-1] == 199

    def reports(run):
        for _ in run.steps():
            run.lr  # noqa: B018
            run.report(val_loss=float("nan"))

    with pytest.raises(Diverged, match=r"^val/loss is nan at step 1, learning rate 1$"):
        called(reports)


def test_it_stops_where_somebody_asks_or_a_listener_has_enough(called) -> None:
    steps = []

    def function(run):
        for step in run.steps():
            steps.append(step)
            run.lr  # noqa: B018
            run.should_stop  # noqa: B018
            run.log(loss=1.0)
            run.report(val_loss=1.0)
        run.report(val_loss=3.0)
        run.log(loss=2.0)

    records, state = called(function, should_stop=lambda: len(steps) == 4)
    assert (steps, state.step) == ([0, 1, 2, 3], 4)
    assert records.column("train/loss").tolist() == [1.0] * 4
    assert [one.metrics["val/loss"] for one in records.evaluations] == [1.0] * 4

    class Enough(Exception):
        pass

    class Ear:
        def hear(self, event):
            if isinstance(event, Evaluation) and event.step == 6:
                raise Enough

    steps.clear()
    with pytest.raises(Enough):
        called(function, trial(total=4000), listeners=[Ear()])
    assert (steps[-1], called.state.step, len(called.records.evaluations)) == (5, 6, 6)


def test_patience_ends_it_and_what_follows_may_test(called) -> None:
    def function(run):
        for step in run.steps():
            run.lr  # noqa: B018
            run.report(val_loss=min(step, 3) * -1.0)
        if run.tests():
            run.report(test_loss=0.25)

    records, state = called(function, trial(total=100, stop_after=20), test=True)
    assert state.stopped == "val/loss is no better than at step 4"
    assert 24 <= state.step <= 25
    assert records.evaluations[-1].metrics == {"test/loss": 0.25}


def test_the_best_weights_are_back_for_the_test(called) -> None:
    model = torch.nn.Linear(1, 1)

    def function(run):
        run.keep(model)
        for step in run.steps():
            run.lr  # noqa: B018
            with torch.no_grad():
                model.weight.fill_(step)
            run.report(val_loss=(step - 6.0) ** 2)
        assert model.weight.item() == 9
        assert run.tests()
        run.report(test_loss=model.weight)

    records, state = called(function, test=True, best=True)
    assert (state.best.step, state.best.metrics) == (7, {"val/loss": 0.0})
    assert (records.evaluations[-1].step, records.evaluations[-1].metrics) == (
        7,
        {"test/loss": 6.0},
    )


def test_what_is_random_is_seeded(called) -> None:
    drawn = []

    def function(run):
        numbers = [torch.rand(()).item(), np.random.rand(), np.random.default_rng().random()]
        drawn.append([run.seed, *numbers, random.random()])
        for _ in run.steps():
            run.lr  # noqa: B018
        run.report(loss=1.0)

    called(function)
    called(function)
    assert drawn[0] == drawn[1]
    assert drawn[0][0] == 3


def test_what_was_made_is_heard_where_the_function_fails(called) -> None:
    def function(run):
        for step in run.steps():
            run.lr  # noqa: B018
            run.log(loss=1.0)
            if step == 5:
                raise KeyError("inputs")

    with pytest.raises(KeyError):
        called(function)
    assert len(called.records.column("train/lr")) == 5


def test_a_loop_that_leaves_the_process_has_failed_unless_it_was_to_stop(called) -> None:
    asked = []

    def function(run):
        for step in run.steps():
            run.lr  # noqa: B018
            run.log(loss=1.0)
            if step == 5:
                raise SystemExit(1)

    with pytest.raises(SystemExit):
        called(function)
    records, state = called(function, should_stop=lambda: asked.append(1) or len(asked) > 6)
    assert state.step == len(records.column("train/lr")) == 5


def test_a_slow_loop_is_heard_every_second(called, monkeypatch) -> None:
    monkeypatch.setattr(own_loop.logs, "CHUNK_SECONDS", 0.05)

    def function(run):
        for step in run.steps():
            run.lr  # noqa: B018
            time.sleep(0.06 if step == 3 else 0)
        run.report(loss=1.0)

    records, _ = called(function)
    assert [len(chunk) for chunk in records.chunks] == [4, 6]
