"""What a run is: a recipe and a trace."""

from runner.trial.fingerprint import Names
from runner.trial.name import StateName
from runner.trial.numbers import Numbers
from runner.trial.recipe import Recipe
from runner.trial.trial import Trial

__all__ = ["Names", "Numbers", "Recipe", "StateName", "Trial"]
