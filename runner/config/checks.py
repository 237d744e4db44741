"""What top-level values must be; the arguments of a group are checked by what takes them."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.addresses import hide, refuse_password, resolve
from runner.errors import Mistake, nearest

if TYPE_CHECKING:
    from runner.config.settings import Settings

_SCHEMES = ("http", "https", "postgresql", "mysql", "mssql", "databricks")


def check(s: "Settings") -> None:
    """Raise Mistake for top-level values out of range."""
    train = s.train
    if train.epochs is not None and train.steps is not None:
        raise Mistake(
            "train.epochs",
            "and train.steps exclude each other",
            f"{train.epochs:g} and {train.steps}",
            "give train.epochs=null or train.steps=null",
        )
    _at_least("train.steps", train.steps, 1)
    if train.epochs is not None and train.epochs <= 0:
        raise Mistake("train.epochs", "must be greater than 0", f"{train.epochs:g}")
    _at_least("train.batch_size", train.batch_size, 1)
    _at_least("threads", s.threads, 1)
    if not 0 <= s.seed < 2**32:
        raise Mistake("seed", "must lie in [0, 2**32)", str(s.seed))
    _one_of("train.keep", train.keep, ("last", "best"))
    _one_of("precision", s.precision, ("float32", "bfloat16"))
    if s.lr is not None and s.lr < 0:
        raise Mistake("lr", "must be at least 0", f"{s.lr:g}")
    decay = s.optimizer.get("layer_decay") if isinstance(s.optimizer, Mapping) else None
    if decay is not None and (type(decay) not in (int, float) or not 0 < decay <= 1):
        raise Mistake("optimizer.layer_decay", "must be a number in (0, 1]", repr(decay))
    _a_list("optimizer.groups", s.optimizer, "{pattern: NAME, lr_scale: NUMBER}")
    _a_list("model.weights_except", s.model, "name patterns")
    weights = s.model.get("weights") if isinstance(s.model, Mapping) else None
    if weights is not None and not isinstance(weights, str):
        raise Mistake("model.weights", "must be a file or an MLflow run id", str(weights))
    refuse_password(s.tracking.uri)
    if s.tracking.enabled:
        _check_address(s.tracking.uri)


def _a_list(key: str, group: Any, kind: str) -> None:
    value = group.get(key.partition(".")[2]) if isinstance(group, Mapping) else None
    if value is not None and not isinstance(value, list):
        raise Mistake(key, f"must be a list of {kind}", repr(value))


def _check_address(uri: str | None) -> None:
    address = resolve(uri)
    scheme, _, rest = address.partition("://")
    known = scheme.partition("+")[0] in _SCHEMES and rest
    if known or address.startswith("sqlite:///") or scheme == "databricks":
        return
    source = "" if uri or "MLFLOW_TRACKING_URI" not in os.environ else " (MLFLOW_TRACKING_URI)"
    raise Mistake(
        "tracking.uri",
        "must be sqlite:///FILE, http://HOST:PORT or a database address",
        f"'{hide(address)}'{source}",
        "or use tracking=off",
    )


def _at_least(key: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise Mistake(key, f"must be at least {least}", str(value))


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise Mistake(key, f"must be {' or '.join(known)}", f"'{value}'{nearest(value, known)}")
