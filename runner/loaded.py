"""What a run and a worker of a study load, imported by the process that both are forked from."""

import importlib
import os
from contextlib import suppress

os.setsid()  # a terminal that closes, or Ctrl-C, is not for it
# Threads that spin while they wait are slow beside others; read by torch when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

for name in (
    "torch",
    "runner.build.setup",
    "runner.run",
    "runner.study.work.worker",
    "runner.training.datasets",
    "runner.training.models",
    "optuna.storages._rdb.storage",
    "optuna.samplers",
):
    with suppress(Exception):  # who needs it says what is wrong
        importlib.import_module(name)
