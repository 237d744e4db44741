"""What the function of a loop gets: the rate of each step, and ears for what it finds."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import torch

from runner.errors import Diverged, Misuse
from runner.training.own_loop.crew import Alone
from runner.training.own_loop.keeping import Keeping
from runner.training.own_loop.parts import Parts
from runner.training.own_loop.rates import Rates
from runner.training.own_loop.reading import Reading
from runner.training.own_loop.state import LoopState
from runner.training.own_loop.teller import Teller
from runner.training.state import Weights
from runner.trial import Trial

T = TypeVar("T")


class Run:
    """A run, as the loop of a person's own sees it.

    def train(run, width: int = 32):
        model = Net(width).to(run.device)
        optimizer = torch.optim.SGD(model.parameters(), lr=run.lr)
        for step in run.steps():
            run.set_rate(optimizer)
            ...                                      # the update
            run.log(loss=loss)
            if run.evaluates:
                run.report(val_loss=evaluate(model))

    total_steps: updates in all. steps_per_epoch: of a pass over the data, None where
    train.steps_per_epoch says nothing. keys: the arguments of the function. seed: torch, numpy and
    `random` are seeded with it already. device: where to train.

    Of several processes that train it together each one has it: all get the rate of the first one,
    end at the same step, and what the first one logs and reports counts.
    """

    def __init__(
        self,
        trial: Trial,
        state: LoopState,
        teller: Teller,
        device: torch.device,
        keys: Mapping[str, Any],
        should_stop: Callable[[], bool] = lambda: False,
        *,
        test: bool = False,
        crew: Alone | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self.device, self.keys, self.seed = device, dict(keys), trial.recipe.seed
        self.total_steps = trial.horizon.total_steps
        self.steps_per_epoch: int | None = trial.recipe.loop.get("steps_per_epoch")
        self._trial, self._state, self._teller = trial, state, teller
        self._asked, self._test, self._crew = should_stop, test, crew or Alone()
        self._keeping = keeping
        self._rates, self._parts = Rates(trial, state, self._refuse), Parts(state, self._refuse)
        self._in_step = self._is_told = self._is_closed = False
        self._misuse: Misuse | None = None
        self._steps = self._each_step()

    @property
    def step(self) -> int:
        """The number of updates made; within a step its own number, counted from 0."""
        return self._state.step

    @property
    def lr(self) -> float:
        """The learning rate that the step's update is to take; before the first step, its.

        Of a step that only reads it, one of torch's optimizers must have it, where such make the
        update.
        """
        return self._rates.take()

    @property
    def evaluates(self) -> bool:
        """Whether `train.eval_every` asks for an evaluation once the step's update is made."""
        return self._trial.evaluates_at(self._made)

    @property
    def should_stop(self) -> bool:
        """Whether no further step follows: all are made, or somebody or something ends the run."""
        return self._made >= self.total_steps or self.is_early or bool(self._state.stopped)

    @property
    def is_early(self) -> bool:
        """Whether the run was ended from outside, pruned or diverged: what follows is not heard."""
        if not self._crew.is_several:  # else they ask together, between two steps
            self._look()
        return self._is_told or self._teller.ended_by is not None

    @property
    def folder(self) -> Path:
        """A folder whose files are recorded with the run; without tracking nothing keeps them."""
        return self._state.make_folder()

    def steps(self) -> Iterator[int]:
        """Return the steps that are left, by number; each makes one update, with its own rate.

        They end early where the run is to stop. In nested loops take them by `next`.
        """
        return self._steps

    def batches(self, loader: Iterable[T]) -> Iterator[T]:
        """Yield the batches of a loader, again and again, each with a step of its own."""
        reading = Reading(loader, self.device)
        self._read(reading)
        if not self._next_step():
            return
        count, before = reading.count, 0
        while True:
            for batch in reading:
                count += 1
                yield batch
                if not self._next_step():
                    return
            if not count:
                self._refuse("run.batches must be given batches, got none")
            if count == before:
                must = "run.batches must be given what can be read again and again, as a DataLoader"
                self._refuse(f"{must}, got what ends after {count} batches")
            before = count

    def set_rate(self, optimizer: Any) -> None:
        """Set the step's rate as `lr` of an optimizer's parameter groups, times the `lr_scale` that
        a group may have. Each update of it must take that rate then."""
        self._rates.set(optimizer)

    def own_rate(self, optimizer: Any) -> None:
        """Let an optimizer have a rate of its own, beside an update that takes `lr` as a number: of
        another library, or by hand."""
        self._rates.leave(optimizer)

    def skip(self) -> None:
        """Leave the step's update out on purpose, as where scaled gradients are not finite."""
        self._rates.skip()

    def log(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Log numbers of the step: loss=loss is recorded as `train/loss`, and the last of a name
        counts. A tensor stays on its device until many steps are read at once.

        A name has letters, digits, spaces and any of _ - . : between single slashes, as MLflow and
        TensorBoard take it, and at most 250 characters; one with a slash stands as it is.

        A `loss` that is not finite ends the run.
        """
        if not self._crew.leads:
            return
        if not self._in_step:
            if self._hears():
                self._refuse("run.log is called outside of the run's steps")
            return
        try:
            self._teller.log({**values, **more} if values else more)
        except Misuse as error:
            self._remember(error)
            raise

    def report(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Report what an evaluation found once the step's update was made, or behind the last step:
        val_loss=0.3, val_accuracy=0.9.

        It reaches schedules that listen, the pruner, the ranking and train.keep=best.
        """
        if self._state.waiting:  # it was heard when the run began
            return
        if self._crew.leads and self._hears():
            try:
                self._teller.report({**(values or {}), **more}, self._made)
            except Misuse as error:
                self._remember(error)
                raise

    def keep(self, model: Weights) -> None:
        """Hand over the model, several in a `ModuleDict`, whose weights are recorded; with
        train.keep=best those of the best evaluation, so that it is too late after the first one."""
        self._parts.keep(model)

    def hand_over(self, **parts: Weights) -> None:
        """Hand over, by name and before the first step, what must be kept to go on from a step
        beside the model: optimizer=optimizer, scaler=scaler. The same command goes on then.

        Each has state_dict() and load_state_dict(), and is put back as it was; so is what torch,
        numpy and `random` draw, the place in `run.batches`, and `run.step`, by which a loop that
        reads its data itself finds its own. Which states are a run's own is said by its code and
        keys: states=off where the loop reads what they do not say, as a file that changes.
        """
        self._parts.hand_over(parts)

    def tests(self) -> bool:
        """Return whether to look at the test data now, and report test_loss=...: behind the last
        step of a single run, or one that confirms an answer. Puts the kept weights back first."""
        tests = self._crew.leads and self._is_to_test()
        if not self._crew.is_several:
            return tests
        weights = self._state.best and self._state.best.weights
        tests, weights = self._crew.share((tests, weights))
        if tests and weights and self._state.model and not self._crew.leads:
            self._state.model.load_state_dict(weights)
        return tests

    def end(self) -> None:
        """End the run, as its function has. Raises what ended it before, or was done wrong."""
        with contextlib.suppress(Misuse):  # remembered
            self._end_step()
            self._settle()
            self._teller.test()
        self.close()
        if error := self._teller.ended_by or self._misuse:
            raise error
        if self._is_told or self._state.stopped or not self._crew.leads:
            return
        if not self._state.step:
            raise Misuse("the loop makes no step: each is one of run.steps()")
        if self._state.step < self.total_steps:
            raise Misuse(f"the loop ends after {self._state.step} of {self.total_steps} steps")
        for key in dict.fromkeys(("val/loss", self._state.metric)):
            if key not in self._state.reported:
                name = key.replace("/", "_")
                raise Misuse(f"the loop never reports {key}: run.report({name}=...)")

    def close(self) -> None:
        """Take no more; the steps that were made are heard."""
        self._is_closed, self._in_step = True, False
        self._teller.flush()
        self._rates.close()

    @property
    def _made(self) -> int:
        """The number of updates, that of the step among them."""
        return self._state.step + self._in_step

    def _hears(self) -> bool:
        """Return whether what a loop says still counts."""
        if self._is_closed:
            raise Misuse("the run has ended: its function has returned")
        return self._in_step or not (self._is_told or self._teller.ended_by)

    def _each_step(self) -> Iterator[int]:
        while self._next_step():
            yield self._state.step

    def _next_step(self) -> bool:
        """End the step that is being made and begin the next; return whether there is one."""
        self._end_step()
        self._settle()
        if self._crew.is_several and self._crew.leads:
            self._look()
        is_due = self._is_due()
        if is_due:
            self._teller.flush()
        goes_on = not (self._is_closed or self.should_stop)
        if is_due or not goes_on:
            self._keep_state(last=not goes_on)
        rate = self._rates.at(self._state.step) if goes_on else 0.0
        goes_on, rate = self._crew.agree(goes_on, rate)
        if not goes_on:
            self._is_told = self._is_told or not self._crew.leads
            if not self.is_early:
                self._parts.begin(self.device)
            return False
        self._parts.begin(self.device)
        self._rates.begin(self._state.step, rate)
        self._in_step = True
        return True

    def _is_due(self) -> bool:
        """Return whether to keep the state, as it is between two steps."""
        if self._keeping is None or self._state.waiting or not self._state.step:
            return False
        return not self._is_closed and self._keeping.is_due(self._state.step)

    def _keep_state(self, *, last: bool) -> None:
        """Let the state be kept, unless more than it says decides what follows."""
        if self._keeping is None or self._state.waiting or self._is_closed:
            return
        self._teller.flush()
        diverged = isinstance(self._teller.ended_by, Diverged)
        if not (diverged or self._misuse or self._rates.is_left_out):
            self._keeping.keep(last=last)

    def _read(self, reading: Reading) -> None:
        """Take note of what gives the batches, and find its place where the run goes on."""
        if reading.is_of(self._state.parts.values()):
            return
        self._state.reading = reading
        if reading.lasts:
            self._state.unkept = "a loader with persistent_workers is not begun again in its middle"
        waiting = self._state.waiting
        if waiting and waiting.reading and not self.should_stop:
            reading.go_on(waiting.reading)

    def _look(self) -> None:
        self._is_told = self._is_told or self._asked()

    def _is_to_test(self) -> bool:
        if self._in_step or not self._test or not self.should_stop or self.is_early:
            return False
        self._settle()
        self._parts.restore()
        self._teller.tests = not self.is_early
        return self._teller.tests

    def _end_step(self) -> None:
        if self._in_step:
            self._in_step = False
            self._rates.end()
            self._teller.step(self._rates.rate)

    def _settle(self) -> None:
        try:
            if self._teller.settle():
                self._rates.forget()
        except Misuse as error:
            self._remember(error)
            raise

    def _refuse(self, text: str) -> NoReturn:
        error = Misuse(text)
        self._remember(error)
        raise error

    def _remember(self, error: Misuse) -> None:
        """Let a misuse count even where the loop goes on as if nothing were."""
        if not self.is_early:
            self._misuse = self._misuse or error
