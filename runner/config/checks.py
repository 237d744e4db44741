"""What top-level values must be; the arguments of a group are checked by what takes them."""

import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.addresses import refuse_password, resolve
from runner.errors import Mistake, either, nearest
from runner.passwords import hide

if TYPE_CHECKING:
    from runner.config.settings import Settings

AVERAGE = "ema"  # how the choices of train.keep begin that keep the average
COMPILED = ("off", "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
GRAPHED = ("off", "auto", "on")
KEPT = ("last", "best", AVERAGE, f"{AVERAGE}_best")
_SCHEMES = ("http", "https", "postgresql", "mysql", "mssql")
MOST_BYTES = 250  # of a name
MOST_THREADS = 1024
_LISTS = {
    "optimizer.groups": "{pattern: NAME, lr_scale: NUMBER}",
    "model.weights_except": "name patterns",
}
_UNITS = {"": 1, "b": 1} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("kmgt", 1)
    for ending, base in (("b", 1000), ("ib", 1024))
}
_BYTES = re.compile(rf"(\d+(?:\.\d*)?)\s*({'|'.join(_UNITS)})", re.IGNORECASE)
_TAGS = "write +tracking.tags.who=me"


def check(s: "Settings") -> None:
    """Raise Mistake for top-level values out of range."""
    for name in ("model", "dataset", "task", "schedule", "clipping", "optimizer", "loop"):
        if not isinstance(given := getattr(s, name), Mapping):
            raise Mistake(name, "must be one of its options, with its keys", repr(given))
    train = s.train
    if train.epochs is not None and train.steps is not None:
        raise Mistake(
            "train.epochs",
            "and train.steps exclude each other",
            f"{train.epochs:g} and {train.steps}",
            "give train.epochs=null or train.steps=null",
        )
    at_least("train.steps", train.steps, 1)
    positive("train.epochs", train.epochs)
    at_least("train.batch_size", train.batch_size, 1)
    at_least("train.accumulate", train.accumulate, 1)
    at_least("train.steps_per_epoch", train.steps_per_epoch, 1)
    _check_loop(s)
    if train.ema is not None and not 0 < train.ema < 1:
        raise Mistake("train.ema", "must lie in (0, 1)", f"{train.ema:.15g}")
    at_least("threads", s.threads, 1)
    if s.threads is not None and s.threads > MOST_THREADS:
        raise Mistake("threads", f"must be at most {MOST_THREADS}", str(s.threads))
    if not 0 <= s.seed < 2**32:
        raise Mistake("seed", "must lie in [0, 2**32)", str(s.seed))
    one_of("train.keep", train.keep, KEPT)
    if train.keep.startswith(AVERAGE) and train.ema is None:
        advice = "train.ema=0.999 takes it"
        raise Mistake("train.keep", "must stand beside an average", f"'{train.keep}'", advice)
    one_of("train.compile", str(train.compile), COMPILED)
    one_of("train.graph", str(train.graph), GRAPHED)
    if train.graph == "on" and train.compile != "off":
        must = "must be off or auto where the model is compiled"
        raise Mistake("train.graph", must, f"on and train.compile={train.compile}")
    one_of("precision", s.precision, ("float32", "bfloat16"))
    at_least("lr", s.lr, 0)
    groups = {"optimizer": s.optimizer, "model": s.model}
    given = {
        f"{name}.{key}": value
        for name, one in groups.items()
        if isinstance(one, Mapping)
        for key, value in one.items()
    }
    decay = given.get("optimizer.layer_decay")
    if decay is not None and (type(decay) not in (int, float) or not 0 < decay <= 1):
        raise Mistake("optimizer.layer_decay", "must be a number in (0, 1]", repr(decay))
    for key, kind in _LISTS.items():
        if not isinstance(given.get(key, []), list | None):
            raise Mistake(key, f"must be a list of {kind}", repr(given[key]))
    weights = given.get("model.weights")
    if not isinstance(weights, str | None):
        raise Mistake("model.weights", "must be a file or an MLflow run id", str(weights))
    if s.tracking.enabled:
        refuse_password(s.tracking.uri)
        _check_address(s.tracking.uri)
        short("tracking.experiment", s.tracking.experiment)
        _check_tags(s.tracking.tags)


def _check_loop(s: "Settings") -> None:
    if s.has_loop:
        return
    if odd := [name for name in s.loop if name != "_target_"]:
        must = "must stand beside a function, loop=mine.train"
        raise Mistake(f"loop.{odd[0]}", must, "none")
    if s.train.steps_per_epoch is not None:
        must = "must stand beside a loop of your own"
        raise Mistake("train.steps_per_epoch", must, "none", "data say it otherwise")


def _check_tags(tags: Any) -> None:
    if not isinstance(tags, Mapping):
        raise Mistake("tracking.tags", "must be names with values", f"'{tags}'", _TAGS)
    for name, value in tags.items():
        if isinstance(value, Mapping | list):
            raise Mistake(f"tracking.tags.{name}", "must be one value", str(value), _TAGS)


def bytes_of(given: Any, key: str = "states.max_bytes") -> int:
    """Return an amount of memory in bytes. Raises Mistake for what is none.

    >>> bytes_of("1.5GB"), bytes_of("64 MiB"), bytes_of(1e9)
    (1500000000, 67108864, 1000000000)
    """
    number, unit = given, ""
    if isinstance(given, str) and (parts := _BYTES.fullmatch(given.strip())):
        number, unit = float(parts[1]), parts[2].lower()
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not is_number or not 0 <= number < math.inf or number * _UNITS[unit] % 1:
        must = "must be a number of bytes, at least 0, such as 5GB or 500000000"
        raise Mistake(key, must, repr(given))
    return int(number * _UNITS[unit])


def at_least(key: str, value: float | None, least: int) -> None:
    """Raise Mistake for a number below the least one."""
    if value is not None and value < least:
        raise Mistake(key, f"must be at least {least}", f"{value:.15g}")


def short(key: str, name: str | None) -> None:
    """Raise Mistake for a name that is too long for a file or a column of a database."""
    if name is not None and (length := len(name.encode())) > MOST_BYTES:
        raise Mistake(key, f"must have at most {MOST_BYTES} bytes", f"{length:,}")


def positive(key: str, value: float | None) -> None:
    """Raise Mistake for a number that is not above 0."""
    if value is not None and not value > 0:
        raise Mistake(key, "must be greater than 0", f"{value:.15g}")


def one_of(key: str, value: str, known: Sequence[str]) -> None:
    """Raise Mistake for a word that is not known."""
    if value not in known:
        raise Mistake(key, f"must be {either(known)}", f"'{value}'{nearest(value, known)}")


def _check_address(uri: str | None) -> None:
    address = resolve(uri)
    scheme, _, rest = address.partition("://")
    known = scheme.partition("+")[0] in _SCHEMES and rest
    if known or address.startswith("sqlite:///") or (scheme == "databricks" and "@" not in rest):
        return
    source = "" if uri or "MLFLOW_TRACKING_URI" not in os.environ else " (MLFLOW_TRACKING_URI)"
    raise Mistake(
        "tracking.uri",
        "must be sqlite:///FILE, http://HOST:PORT or a database address",
        f"'{hide(address)}'{source}",
        "or use tracking=off",
    )
