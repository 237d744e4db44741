"""What makes two starts the same run."""

import hashlib
import json

from runner.config.settings import Settings, to_yaml
from runner.results.view import KIND
from runner.trial import Trial


def identity(settings: Settings, trial: Trial, name: str) -> str:
    """Return the same text for starts that train the same, from the same seed, and record it under
    the same name with the same tags in the same experiment: the next one goes on with a killed one.

    It is "" for a run of a study or a sweep, which looks after its runs itself.
    """
    tracking = settings.tracking
    if KIND in tracking.tags:
        return ""
    resolved = {
        key: value
        for key, value in settings.resolved().items()
        if key not in ("tracking", "states")
    }
    tags = {str(key): str(value) for key, value in tracking.tags.items()}
    parts = [
        trial.identity(),
        trial.recipe.seed,
        tracking.experiment,
        name,
        sorted(tags.items()),
        to_yaml(resolved),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
