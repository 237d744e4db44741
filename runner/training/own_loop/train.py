"""The function of a loop, called as a run."""

from collections.abc import Callable

from runner.training.devices import seeded
from runner.training.own_loop.run import Run


def train(function: Callable[[Run], object], run: Run) -> None:
    """Call a function with its run, everything seeded, until it returns.

    Raises what `finish` raises; the steps that were made are heard before.
    """
    error: BaseException | None = None
    try:
        with seeded(run.seed):
            function(run)
    except BaseException as found:
        error = found
    finish(run, error)


def finish(run: Run, error: BaseException | None = None) -> None:
    """End a run whose loop has ended, by an error or not.

    Raises Diverged, what a listener raised, Misuse where the record would be untrue, and the error
    itself, unless the run had an end before it.
    """
    is_exit = isinstance(error, SystemExit)  # of a Trainer, too, that hears of a signal itself
    if error is not None and not (run.is_early and (is_exit or isinstance(error, Exception))):
        run.close()
        raise error
    if is_exit:
        run.close()  # a step that it leaves does not count
    run.end()
