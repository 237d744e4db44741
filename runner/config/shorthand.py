"""What people write on a command line, and what Hydra has to read instead."""

OPEN = "task.metrics"  # takes names that are not there yet


def written_out(text: str) -> str:
    """Return a word as Hydra takes it.

    >>> written_out("task.metrics={f1: {_target_: mine.f1}}")
    '++task.metrics={f1: {_target_: mine.f1}}'
    >>> written_out("task.metric=f1")
    'task.metric=f1'
    """
    key = text.partition("=")[0]
    return f"++{text}" if key == OPEN or key.startswith(f"{OPEN}.") else text
