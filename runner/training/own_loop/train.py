"""The function of a loop, called as a run."""

from collections.abc import Callable

from runner.training.devices import seeded
from runner.training.own_loop.run import Run


def train(function: Callable[[Run], object], run: Run) -> None:
    """Call a function with its run, everything seeded, until it returns.

    Raises Diverged, what a listener raised, Misuse where the record would be untrue, and whatever
    the function raises itself; the steps that were made are heard before.
    """
    try:
        with seeded(run.seed):
            function(run)
    except SystemExit:  # of a Trainer, too, that hears of a signal itself
        run.close()  # a step that it leaves does not count
        if not run.is_early:
            raise
    except BaseException as error:
        if not isinstance(error, Exception) or not run.is_early:
            run.close()
            raise
    run.end()
