"""What every option is for and what its keys mean, as the comments of its file say it."""

from collections.abc import Iterator
from pathlib import Path

from runner.config.options import CONF, files_of, group_options

_OVERLAYS = ("experiment", "study")  # what they set is for their readers
_BY_PATH = {
    "model": "model=mine.Net model.width=8: a class of your own in mine.py, a torch.nn.Module; the "
    "keys are its arguments",
    "dataset": "dataset=mine.data dataset.n=50: a function of your own that returns a "
    "runner.training.Dataset; the keys are its arguments",
    "optimizer": "optimizer=torch.optim.Adagrad optimizer.lr_decay=0.1: any class of torch's kind; "
    "the keys are its arguments",
}


def keys_and_options(config_dir: str | None = None) -> Iterator[str]:
    """Yield lines: the top-level keys, then the options of each group with their keys.

    >>> any(line.startswith("  lr: null    ") for line in keys_and_options())
    True
    """
    top = (CONF / "config.yaml").read_text()
    yield from ("", "Keys, with their defaults:", "")
    yield from _indented(top[top.index("\nlr:") : top.index("\nhydra:")].strip())
    for group in group_options(config_dir):
        yield from ("", f"Options of {group}, with their keys:")
        for file in files_of(group, config_dir):
            yield ""
            yield from _option(file, group in _OVERLAYS)
        if group in _BY_PATH:
            yield from ("", _BY_PATH[group])


def _option(file: Path, is_overlay: bool) -> Iterator[str]:
    lines = file.read_text(errors="replace").splitlines()
    said = [line for line in lines if line.startswith("#") and "@package" not in line]
    yield from (line.removeprefix("# ") for line in said or [file.stem])
    if not is_overlay:
        rest = [line for line in lines if not line.startswith(("#", "_target_:"))]
        yield from _indented("\n".join(rest))


def _indented(text: str) -> Iterator[str]:
    yield from (f"  {line}".rstrip() for line in text.splitlines())
