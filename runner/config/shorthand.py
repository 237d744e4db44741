"""What people write on a command line, and what Hydra has to read instead."""

OPEN = ("task.metrics", "dataset.augment")  # take what is not there yet


def written_out(text: str) -> str:
    """Return a word as Hydra takes it.

    >>> written_out("task.metrics={f1: {_target_: mine.f1}}")
    '++task.metrics={f1: {_target_: mine.f1}}'
    >>> written_out("task.metric=f1")
    'task.metric=f1'
    """
    key = text.partition("=")[0]
    return f"++{text}" if any(key == o or key.startswith(f"{o}.") for o in OPEN) else text
