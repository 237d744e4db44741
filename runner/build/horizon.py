"""Settings -> how long a run is."""

from typing import TYPE_CHECKING

from runner.build.loop import EPOCHS, check_beside
from runner.config import Settings
from runner.errors import Mistake, under
from schedules import Horizon, steps_of

if TYPE_CHECKING:
    from runner.training.data import Dataset

MOST_STEPS = 10**8  # of a trace that is held as a whole


def samples_of(data: "Dataset | None") -> int | None:
    """Return the training samples of data, None of a stream; 0 is no data, where a step is an
    epoch."""
    if data is None:
        return 0
    return None if data.is_stream else len(data.train)


def horizon(settings: Settings, train_size: int | None, counted: int | None = None) -> Horizon:
    """Return the length of a run over so many training samples, as `samples_of` has them. A run of
    a loop of a person's own that declares no epochs counts as five.

    counted: samples of a duration, where they are others: tokens. Raises Mistake for a batch or a
    run that does not fit them.
    """
    if train_size is None:
        return _of_stream(settings)
    train = settings.train
    if settings.has_loop:
        return _of_loop(settings)
    if train_size and train.batch_size > train_size:
        raise Mistake(
            "train.batch_size",
            f"must be at most {train_size}, the training samples that there are",
            f"{train.batch_size}",
        )
    whole, rest = divmod(train_size, train.batch_size) if train_size else (1, 0)
    batches = whole if train.drop_last else whole + (rest > 0)
    if train.accumulate > batches:
        there = "the batches of an epoch" if train_size else "as there is no data"
        raise Mistake(
            "train.accumulate", f"must be at most {batches}, {there}", f"{train.accumulate}"
        )
    per_epoch = -(-batches // train.accumulate)
    samples = (counted or train_size) or None
    if train.drop_last and samples:
        per_epoch = batches // train.accumulate
        seen = per_epoch * train.accumulate * train.batch_size
        samples = round(samples * seen / train_size)
    one = Horizon(total_steps=1, steps_per_epoch=per_epoch, samples_per_epoch=samples)
    return _of_length(settings, one)


def _of_loop(settings: Settings) -> Horizon:
    """Return the length of a run whose loop is a person's own."""
    check_beside(settings)
    train = settings.train
    if train.steps_per_epoch is not None:
        return _of_length(settings, Horizon(1, train.steps_per_epoch))
    if train.steps is None:
        advice = "or train.epochs beside train.steps_per_epoch"
        raise Mistake("train.steps", "must be given with a loop of your own", "none", advice)
    steps = _possible("train.steps", train.steps, train.steps)
    return Horizon(steps, max(1, round(steps / EPOCHS)))


def _of_length(settings: Settings, one: Horizon) -> Horizon:
    """Return a horizon as long as the settings say."""
    train = settings.train
    if train.steps is not None:
        return one.of(_possible("train.steps", train.steps, train.steps))
    epochs = f"{train.epochs:.12f}".rstrip("0").rstrip(".") + "ep"
    with under("train"):
        steps = steps_of(epochs, one, "epochs", 1)
    return one.of(_possible("train.epochs", train.epochs or 0, steps))


def _of_stream(settings: Settings) -> Horizon:
    """Return the length of a run over a stream, all of which is one epoch."""
    train = settings.train
    if train.steps is None:
        must = "must be given instead of train.epochs, as the training data are a stream"
        raise Mistake("train.steps", must)
    steps = _possible("train.steps", train.steps, train.steps)
    return Horizon(steps, steps, steps * train.batch_size * train.accumulate)


def _possible(key: str, given: float, steps: int) -> int:
    if steps > MOST_STEPS:
        raise Mistake(key, f"must come to at most {MOST_STEPS:,} steps", f"{given:g} = {steps:,}")
    return steps
