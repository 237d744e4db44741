"""Settings -> the metrics that a person's own code describes, made known."""

from runner import config
from runner.config import Settings


def learn_metrics(settings: Settings) -> None:
    """Import a person's own model, data and loss, which may describe metrics of their own.

    Raises Mistake for what cannot be imported.
    """
    groups = {"model": settings.model, "dataset": settings.dataset}
    for key, spec in {**groups, "task.loss": settings.task.get("loss") or {}}.items():
        target = spec.get("_target_") or ""
        if target and not target.startswith(("runner.", "torch.")):
            config.partial(key, {"_target_": target})
