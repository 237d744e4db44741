"""What the page of an experiment shows: saved views of its runs, and a description.

Only an experiment that was made here is arranged; a description that a person has changed stays.
"""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from runner.addresses import brief
from runner.passwords import redact
from runner.results.view import DESCRIPTION, DESCRIPTION_CHARACTERS, View
from runner.tracking.mlflow import pages, views
from runner.tracking.mlflow.known import is_known

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

OURS = "runner"  # the tag of an experiment that was made here
_WRITTEN = "described"  # the tag that tells our description from a person's
_HEADING = re.compile(r"^#### (.*)$", re.MULTILINE)  # small: the page shows the first line alone


def arrange(
    client: "MlflowClient",
    found: "Experiment",
    wanted: Sequence[View],
    address: str,
    version: Callable[[], str],
    warn: Callable[[str], None],
) -> dict[str, str]:
    """Save views where the experiment lacks them; return how to open each, by its name.

    address: of the store, without a password. version: of the MLflow that shows it. warn: told why
    there are none. Where none can be saved, the links filter and sort themselves.
    """
    saved = OURS in found.tags and is_known(version())
    for view in wanted if saved else ():
        key, state = views.TAG + views.key(view.name), views.written(view)
        if views.found(found.tags.get(key, "")) == state:
            continue
        try:
            now_ms = time.time_ns() // 1_000_000
            value = views.tag(redact(view.name), state, now_ms)
            client.set_experiment_tag(found.experiment_id, key, value)
        except Exception as error:
            warn(f"note: {address} takes no saved view of the runs ({brief(error)})")
            saved = False
            break
    return {
        view.name: pages.view_link(address, found.experiment_id, found.name, view, has_view=saved)
        for view in wanted
    }


def describe(client: "MlflowClient", found: "Experiment", name: str, text: str) -> None:
    """Let the description of an experiment say something about one of its studies or sweeps, in
    place of what it said before; what was said last stands first, what is old may fall out.

    name: of the study or sweep. text: markdown.
    """
    before = found.tags.get(DESCRIPTION, "")
    is_written_here = found.tags.get(_WRITTEN, "") == _digest(before)
    if OURS not in found.tags or (before and not is_written_here):
        return
    now = described(before, redact(name), redact(text))
    if now != before:
        client.set_experiment_tag(found.experiment_id, _WRITTEN, _digest(now))
        client.set_experiment_tag(found.experiment_id, DESCRIPTION, now)


def described(before: str, name: str, text: str) -> str:
    """Return a description with a section about something in front of those about others.

    Its heading has the first line of the text, too.

    >>> print(described("#### a: old\\n\\nwhy", "b", "new"))
    #### b: new
    <BLANKLINE>
    #### a: old
    <BLANKLINE>
    why
    >>> print(described("#### b: new\\n\\n#### a: old\\n\\nwhy", "a", "newer"))
    #### a: newer
    <BLANKLINE>
    #### b: new
    """
    parts = _HEADING.split(before)[1:]
    sections = zip(parts[::2], parts[1::2], strict=True)
    others = [(head, body.strip()) for head, body in sections if not head.startswith(f"{name}: ")]
    first, _, rest = text.strip().partition("\n")
    whole = ""
    for heading, body in [(f"{name}: {first}", rest.strip()), *others]:
        longer = f"{whole}\n\n#### {heading}\n\n{body}".strip()
        if whole and len(longer) > DESCRIPTION_CHARACTERS:
            break
        whole = longer
    return whole


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
