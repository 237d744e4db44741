"""python -m runner.states: see `runner.stored`."""

from runner.commands import exit_with
from runner.stored import main

if __name__ == "__main__":
    exit_with(main())
