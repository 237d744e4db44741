"""What is needed to repeat a run: its command, versions, and the state of the working folder."""

import contextlib
import functools
import getpass
import json
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from runner.config.command_line import Kind, Word, varying
from runner.config.settings import TAGS, Settings
from runner.config.shorthand import COMMAND, LOOP, as_typed, script_of
from runner.flat import flat
from runner.results.view import KIND, SETTING, SWEEP

_PLACED = (
    *("tracking.experiment", "tracking.run_name", "threads", "states.cuts"),
    *(f"{TAGS}.{name}" for name in (KIND, SWEEP, SETTING)),
)
_ITS_OWN = ("local", "worktree")  # as git calls the files of a repository
_NOTHING_FETCHED = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
_NOT_COMPARED = ("study", "sweep", "tracking", "states", "hydra")
_UNNAMED = ("tracking", "states", "threads", "device", "hydra", "study", "sweep")


def command(settings: Settings) -> str:
    """Return the command that repeats a run, with the number of threads that it used."""
    words = ["python", "-m", "runner"]
    if settings.config_dir:
        words += ["--config-dir", settings.config_dir]
    placed = ("hydra.", "study.", "study/", "sweep.")  # where a sweep or a study put a run
    given = [
        one
        for one in settings.overrides
        if one.key not in (*_PLACED, *[COMMAND] * settings.has_script)
        and not one.key.startswith(placed)
    ]
    words += _last_of_each(given)
    if settings.threads is not None:
        words.append(f"threads={settings.threads}")
    if settings.forced_sweep:
        words.append("hydra.mode=RUN")
    if settings.has_script:
        words += script_of((one.key, one.value) for one in settings.overrides)
    return " ".join(map(_quoted, words))


def _last_of_each(words: Sequence[Word]) -> list[str]:
    """Return words as people write them; of several values of a key, as a search adds it with one
    and then tries others, the last.

    >>> from runner.config.command_line import word
    >>> _last_of_each([word("++task.loss.gamma=1"), word("lr=0.1"), word("task.loss.gamma=2")])
    ['lr=0.1', 'task.loss.gamma=2']
    """
    found: dict[str, str] = {}
    for i, one in enumerate(words):
        text = as_typed(one.text)
        sets = text[0] not in "+~" and not isinstance(one.value, dict)  # the others add
        key = text.partition("=")[0] if sets else str(i)
        found.pop(key, None)
        found[key] = text
    return list(found.values())


def _quoted(text: str) -> str:
    """Return a word as a shell takes it, with quotes that a person can read.

    >>> print(_quoted("schedule.expression='0.1 / (1 + t)'"))
    "schedule.expression='0.1 / (1 + t)'"
    """
    return f'"{text}"' if "'" in text and not set(text) & set('"$`\\!') else shlex.quote(text)


def name(words: Iterable[Word], otherwise: str) -> str:
    """Return what tells a run from others: options by name, values with their key.

    >>> from runner.config.command_line import word
    >>> name(map(word, ["schedule=cosine", "warmup.fraction=0.1", "seed=1"]), "run")
    'cosine warmup.fraction=0.1 seed=1'
    >>> name([word("optimizer/momentum_schedule=one_cycle")], "run")
    'momentum_schedule=one_cycle'
    """
    parts = []
    words = list(words)
    has_function = any(one.key in (LOOP, f"{LOOP}._target_") for one in words)
    for one in words:
        if one.kind is Kind.DELETES or one.key.startswith(_UNNAMED):
            continue
        if (script := script_of([(one.key, one.value)])) and not has_function:
            parts.append(_script(script[1:]))
            continue
        option = not {".", "/"} & set(one.key) and one.key not in ("lr", "seed", "precision")
        shown = f"{one.typed_key.rpartition('/')[2]}={one.given}"
        parts.append(one.given if option and one.given != "none" else shown)
    return " ".join(parts) or otherwise


def _script(command: Sequence[str]) -> str:
    """Return what tells a script's command from others: its file.

    >>> _script(["python", "-u", "code/train.py", "--width", "64"]), _script(["./train"])
    ('train.py', 'train')
    """
    files = [text for text in command if text.endswith(".py")] or command
    return Path(files[0]).name


def names(jobs: Sequence[Sequence[Word]]) -> list[str]:
    """Return what tells the jobs of a sweep apart, a name each.

    >>> from runner.config.command_line import word
    >>> jobs = [[word("model=mlp"), word("lr=0.1")], [word("model=mlp"), word("lr=0.2")]]
    >>> names(jobs)
    ['lr=0.1', 'lr=0.2']
    """
    places = varying(jobs) if len(jobs) > 1 else range(len(jobs[0]))
    found = []
    for number, job in enumerate(jobs, start=1):
        words = [job[i] for i in places]
        found.append(name(words, " ".join(one.shown for one in words) or f"job {number}"))
    return found


def git() -> dict[str, str]:
    """Return the commit of the working folder, else of this package, and whether anything was
    changed since; nothing where neither is under git."""
    for folder in (Path.cwd(), Path(__file__).parent):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            commit = _git(folder, "rev-parse", "HEAD")
            asked = ["--porcelain", "--untracked-files=no", "--ignore-submodules=all"]
            dirty = bool(_git(folder, "status", *asked, off=_filters(folder)))
            return {"mlflow.source.git.commit": commit, "git.dirty": str(dirty).lower()}
    return {}


def _filters(folder: Path) -> list[str]:
    """Return the settings of programs that the folder's own configuration would have git send
    files through."""
    listed = _git(folder, "config", "--list", "--name-only", "--show-scope", "-z").split("\0")
    pairs = zip(listed[::2], listed[1::2], strict=False)
    return [key for scope, key in pairs if scope in _ITS_OWN and key.startswith("filter.")]


def _git(folder: Path, *words: str, off: Sequence[str] = ()) -> str:
    """Return what git says of a folder. No program that the folder's own configuration names is
    run, and nothing fetched.

    off: settings that do not count.
    """
    own = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    environment = os.environ | _NOTHING_FETCHED | {"GIT_CONFIG_COUNT": str(own + 1 + len(off))}
    for i, key in enumerate(("core.fsmonitor", *off), start=own):
        environment |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": ""}
    command = ["git", "-C", str(folder), "--no-optional-locks", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=10, env=environment
    )
    return done.stdout.strip()


def params(settings: Settings) -> dict[str, str]:
    """Return a run's parameters for MLflow: the chosen options, then the resolved values that say
    something beside them; lists as JSON. The run's config.yaml has all of them.

    What an option is made of stands here only where a person has named it.
    """
    resolved = settings.resolved()
    del resolved["tracking"], resolved["states"]
    named = {one.key for one in settings.overrides}
    values = {
        key: json.dumps(value) if isinstance(value, list | tuple) else str(value)
        for key, value in flat(resolved).items()
        if value not in (None, [], {}, ()) and (key in named or not key.endswith("._target_"))
    }
    if values.get("schedule.lr") == values.get("lr"):  # the peak, said once
        values.pop("schedule.lr", None)
    return _options(settings) | values


def _options(settings: Settings) -> dict[str, str]:
    """Return the chosen options, but for those of a search and of parts that are not used."""
    return {
        group: option
        for group, option in settings.choices.items()
        if group.partition("/")[0] not in _NOT_COMPARED and ("/" not in group or option != "none")
    }


kept_git = functools.cache(git)  # for one of many runs, whose code was loaded once


def tags(
    settings: Settings, device: str, versions: Mapping[str, str], *, brief: bool = False
) -> dict[str, str]:
    """Return a run's tags for MLflow; brief: of one of many."""
    user = ""
    with contextlib.suppress(OSError, KeyError):  # a container's user may have no name
        user = getpass.getuser()
    own = {str(key): str(value) for key, value in settings.tracking.tags.items()}
    return {
        **own,
        "mlflow.source.name": "python -m runner",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": user,
        "overrides": json.dumps([one.text for one in settings.overrides]),
        "command": command(settings),
        "device": device,
        "threads": str(settings.threads),
        **{f"version.{key}": value for key, value in versions.items()},
        **(kept_git() if brief else git()),
    }
