"""Settings -> everything that decides a run except what follows a schedule."""

import platform

import numpy
import torch

import runner
from runner.build.numbers import unscheduled
from runner.build.state import weights_file
from runner.build.task import differs
from runner.config import Settings
from runner.training import weights
from runner.trial import Recipe

_ANYWHERE = ("root", "workers")  # keys of a data set that decide no bit


def recipe_of(settings: Settings, device: torch.device, content: str) -> Recipe:
    """Return the recipe of a run. content: the digest of data that are not the same everywhere."""
    file = weights_file(settings)
    return Recipe(
        model={k: v for k, v in settings.model.items() if k != "weights"},
        dataset={k: v for k, v in settings.dataset.items() if k not in _ANYWHERE},
        optimizer=unscheduled(settings.optimizer),
        clipping=unscheduled(settings.clipping),
        batch_size=settings.train.batch_size,
        seed=settings.seed,
        precision=settings.precision,
        device=device.type,
        threads=settings.threads if device.type == "cpu" else None,
        weights=weights.digest(file) if file else None,
        versions=versions(),
        task=differs(settings),
        accumulate=settings.train.accumulate,
        ema=settings.train.ema,
        drop_last=settings.train.drop_last,
        content=content,
    )


def versions() -> dict[str, str]:
    """Return the versions that decide the bits of a run."""
    return {
        "runner": runner.__version__,
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }
