"""Starts processes that save states one after another, to be killed or not.

usage: kills.py FOLDER MAX_BYTES FLOATS, and on its input a line FIRST_STEP STEPS for each process,
whose id it prints. A process prints each step and whether it was saved, and at last `done`.
"""

import os
import signal
import sys
from pathlib import Path

import torch

from runner.states.store import Store
from runner.trial.name import StateName


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())  # whole, beside what other processes say


def save(folder: Path, max_bytes: int, floats: int, first: int, steps: int) -> None:
    store = Store(folder, max_bytes, lambda text: say(f"said: {text}"))
    for step in range(first, first + steps):
        name = StateName("a" * 64, step, f"{step:064x}")
        content = {"step": step, "weight": torch.full((floats,), float(step))}
        say(f"{step} {store.save(name, content)}")
    say("done")


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
torch.set_num_threads(1)  # no threads before the fork
for line in sys.stdin:
    first, steps = map(int, line.split())
    process = os.fork()
    if not process:
        save(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), first, steps)
        os._exit(0)
    say(f"process {process}")
