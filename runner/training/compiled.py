"""A model compiled for its training by torch.compile; evaluations compute as ever."""

import importlib
import json
import logging
import math
import re
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from runner.errors import one_line
from runner.trial import Recipe, Trial
from schedules.errors import ArgumentError

BY_TIME = "max-autotune"  # how the modes begin that take the kernels that are fastest at the moment
MOST_SHAPES = 64  # of batches, each of which is compiled by itself
_compiled_for = ""


def compiled(model: nn.Module, recipe: Recipe) -> Any:
    """Return what computes as a model does, to rounding, compiled when it is first called.

    It is compiled once for each shape of a batch, so that no bit depends on which shapes came
    before; and once for all models of a recipe that one process trains.
    """
    global _compiled_for
    import torch._dynamo as dynamo
    import torch._inductor.config as inductor

    if (key := _key(recipe)) != _compiled_for:
        torch.compiler.reset()
        _compiled_for = key
    config: Any = dynamo.config
    config.recompile_limit = MOST_SHAPES
    config.fail_on_recompile_limit_hit = True  # else it would go on without a word, uncompiled
    inductor.cpp.threads = torch.get_num_threads()  # what is kept on disk is kept by it
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    return torch.compile(model, mode=recipe.compile, dynamic=False)


def compiler_of(device: torch.device) -> str:
    """Return the name and version of what compiles for a device, as it decides bits.

    Raises ArgumentError where there is none.
    """
    try:
        import torch._dynamo.eval_frame as eval_frame
        from torch._inductor import cpp_builder

        eval_frame.check_if_dynamo_supported()
        if device.type == "cuda":
            return f"triton {importlib.import_module('triton').__version__}"
        told = cpp_builder.get_compiler_version_info(cpp_builder.get_cpp_compiler())
    except Exception as error:
        must = "must be off where torch has no compiler"
        raise ArgumentError("train.compile", must, advice=one_line(error)) from error
    found = re.search(r"(?:gcc|clang) version [\w.]+", told)
    return found[0] if found else told


def by_time(recipe: Recipe) -> str:
    """Return why two runs of a recipe differ where kernels are chosen by their time, or nothing."""
    if recipe.compile is None or not recipe.compile.startswith(BY_TIME):
        return ""
    return f"train.compile={recipe.compile} takes the kernels that are fastest at the moment"


def without(trial: Trial) -> Trial:
    """Return the same trial, not compiled."""
    return replace(trial, recipe=replace(trial.recipe, compile=None))


def _key(recipe: Recipe) -> str:
    """Return the same for models that one compilation serves."""
    how = (recipe.precision, recipe.threads, recipe.compile)
    parts = (recipe.model, recipe.task, recipe.dataset, recipe.batch_size, *how)
    return json.dumps(parts, sort_keys=True, default=dict)


@dataclass(frozen=True)
class Payoff:
    """What compiling costs and brings.

    seconds: that it takes. update, plain: seconds of an update with it and without.
    """

    seconds: float
    update: float
    plain: float

    @property
    def after(self) -> float:
        """The updates after which it has paid, infinite where it never does.

        >>> Payoff(10.0, 0.001, 0.002).after, Payoff(10.0, 0.002, 0.001).after
        (10000.0, inf)
        """
        saved = self.plain - self.update
        return self.seconds / saved if saved > 0 else math.inf

    def text(self, total: int) -> str:
        """Return a note for a run of so many updates.

        >>> print(Payoff(10.0, 0.001, 0.002).text(500))
        compiling took 10 s; an update takes 1 ms, and 2 ms without: it pays after 10,000 updates, \
of which the run has 500
        """
        cost = f"compiling took {self.seconds:.2g} s"
        each = f"an update takes {self.update * 1e3:.3g} ms, and {self.plain * 1e3:.3g} ms without"
        if math.isinf(self.after):
            return f"{cost}; {each}: it never pays here"
        pays = f"it pays after {math.ceil(self.after):,} updates, of which the run has {total:,}"
        return f"{cost}; {each}: {pays}"
