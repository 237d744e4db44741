"""How a person sends records that wait."""

import shlex
from collections.abc import Sequence

from runner.addresses import OUTBOX, resolve
from runner.passwords import MARK, hide
from runner.report.plain import as_line
from runner.results.result import Result


def waiting(what: str, results: Sequence[Result]) -> str:
    """Return where records wait, and the command that sends them.

    >>> from runner.results.result import Link, Status
    >>> link = Link("", "", "", "http://host:5000")
    >>> waiting("records are", [Result("", Status.FINISHED, link=link)]).partition("; ")[2]
    'send: python -m runner.deliver tracking.uri=http://host:5000'
    """
    places = {one.link.uri for one in results if one.link} - {resolve(None), hide(resolve(None))}
    words = [f"tracking.uri={place}" for place in sorted(places)[:1] if MARK not in place]
    command = shlex.join(["python", "-m", "runner.deliver", *words])
    return as_line(f"waiting   {what} in {OUTBOX}; send: {command}")
