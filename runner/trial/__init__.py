"""What a run is: a recipe and a trace."""

from runner.trial.numbers import Numbers
from runner.trial.recipe import Recipe, fingerprint
from runner.trial.trial import Trial

__all__ = ["Numbers", "Recipe", "Trial", "fingerprint"]
