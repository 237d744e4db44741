"""The command line, read once: its flags, its words as Hydra's grammar has them, its jobs."""

import functools
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import OverrideParseException

from runner.addresses import NO_PASSWORD
from runner.config.shorthand import LOOP, as_typed, without_script, written_out
from runner.errors import Mistake
from runner.passwords import hide, redact

CORE_PLUGINS = "hydra._internal.core_plugins."  # the launchers and sweepers of Hydra itself
_SEE_HELP = "python -m runner --help shows the command line"


class Kind(Enum):
    """What a word does to the configuration."""

    FIXES = "key=value"
    ADDS = "+key=value"
    DELETES = "~key"
    SWEEPS = "key=a,b"
    SEARCHES = "key=interval(a,b)"


@dataclass(frozen=True)
class Word:
    """A word of a command line that is no flag.

    text: as typed. key: dotted, or a group with slashes. value: what is fixed or added, as plain
    data. options: the values of a sweep, as Hydra writes them.
    """

    text: str
    key: str
    kind: Kind
    value: Any = None
    options: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        """What stands before the key: "", "+", "++" or "~"."""
        return self.text[: len(self.text) - len(self.text.lstrip("+~"))]

    @property
    def written(self) -> str:
        """What stands behind the key, as typed."""
        return self.text.partition("=")[2]

    @property
    def shown(self) -> str:
        r"""Its text without backslashes before special characters.

        >>> word(r"tracking.uri=http\://host").shown
        'tracking.uri=http://host'
        """
        return re.sub(r"\\(.)", r"\1", self.text)

    @property
    def given(self) -> str:
        """What stands behind the key, as it is shown."""
        return self.shown.partition("=")[2]

    @property
    def typed_key(self) -> str:
        """Its key as people write it.

        >>> word("++task.loss._target_=mine.focal").typed_key
        'task.loss'
        """
        return as_typed(self.text).partition("=")[0].lstrip("+~")

    @property
    def is_multiple(self) -> bool:
        """Whether it has several values, or searches one."""
        return self.kind in (Kind.SWEEPS, Kind.SEARCHES)

    def at(self, option: str) -> "Word":
        """Return a sweep's word with one of its options. Raises Mistake for one that Hydra writes
        in a way that it cannot read.

        >>> both = word("schedule.staircase=true,false")
        >>> both.options[0], both.at(both.options[0]).text
        ('True', 'schedule.staircase=true')
        """
        if option in ("True", "False"):  # as Hydra writes what people type otherwise
            option = option.lower()
        try:
            return word(f"{self.sign}{self.key}={option}")
        except OverrideParseException as error:
            raise Mistake(self.key, "must have values that can be read", f"'{option}'") from error


Words = tuple[Word, ...]


@dataclass(frozen=True)
class CommandLine:
    """A command line.

    config_dir: of --config-dir, absolute. multirun: -m. flags: all, as typed. asks_hydra: whether
    one of them is Hydra's to answer, as --cfg.

    >>> line = CommandLine.read(["schedule=cosine", "-m", "seed=0,1"])
    >>> line.multirun, [word.text for word in line.words], line.words[1].options
    (True, ['schedule=cosine', 'seed=0,1'], ('0', '1'))
    """

    words: Words
    config_dir: str | None = None
    multirun: bool = False
    flags: tuple[str, ...] = ()
    asks_hydra: bool = False

    @classmethod
    def read(cls, typed: Sequence[str]) -> "CommandLine":
        """Return what was typed.

        Raises Mistake for a password, an unknown flag or a --config-dir that is none, and
        OverrideParseException for a word that cannot be read.
        """
        _refuse_passwords(typed)
        typed, script = without_script(typed)
        parser = get_args_parser()
        setattr(parser, "error", _refuse_flag)  # noqa: B010
        known, unknown = parser.parse_known_intermixed_args(typed)
        if unknown:
            raise Mistake(f"unknown flag {unknown[0]}", advice=_form_of(unknown[0], typed))
        values = dict(vars(known))
        _check_flags(values)
        texts, folder = values.pop("overrides"), values.pop("config_dir")
        multirun = values.pop("multirun")
        if folder and not Path(folder).is_dir():
            raise Mistake("--config-dir", "must be a folder", f"'{folder}'")
        _check_loops(texts, script)
        words = [*map(written_out, texts), *script]
        return cls(
            words=tuple(map(word, words)),
            config_dir=str(Path(folder).absolute()) if folder else None,
            multirun=multirun,
            flags=tuple(text for text in typed if text not in texts),
            asks_hydra=any(values.values()),
        )


@functools.lru_cache(maxsize=4096)
def word(text: str) -> Word:
    """Return a word as Hydra reads it. Raises OverrideParseException where it cannot.

    >>> one = word("+model.width=8")
    >>> one.key, one.kind.name, one.value
    ('model.width', 'ADDS', 8)
    """
    found = parse(text)
    key = found.get_key_element().lstrip("+~")
    if found.is_sweep_override():
        if found.is_interval_sweep() or found.value_type is ValueType.GLOB_CHOICE_SWEEP:
            return Word(text, key, Kind.SEARCHES)
        return Word(text, key, Kind.SWEEPS, options=tuple(found.sweep_string_iterator()))
    if found.is_delete():
        return Word(text, key, Kind.DELETES)
    kind = Kind.ADDS if found.is_add() or found.is_force_add() else Kind.FIXES
    return Word(text, key, kind, found.value())


def without_hydra(words: Iterable[Word]) -> Words:
    """Return the words that are not about Hydra itself."""
    return tuple(one for one in words if not one.key.startswith(("hydra.", "hydra/")))


def expand(words: Sequence[Word]) -> list[Words]:
    """Return the jobs of a command line, the last word varying fastest.

    A key given twice counts as given last. Raises Mistake for a range.

    >>> jobs = expand([word("schedule=exponential,cosine"), word("seed=range(2)"), word("lr=0.1")])
    >>> [one.text for one in jobs[1]]
    ['schedule=exponential', 'seed=1', 'lr=0.1']
    """
    listed: dict[str, list[Word]] = {}
    for one in words:
        if one.kind is Kind.SEARCHES:
            must = "must list its values in a grid (1,2,3 or range(1, 4))"
            raise Mistake(one.key, must, one.given, "hydra/sweeper=optuna searches a range")
        listed[one.sign + one.key] = [one.at(option) for option in one.options] or [one]
    return list(itertools.product(*listed.values()))


def varying(jobs: Sequence[Sequence[Word]]) -> list[int]:
    """Return the places of the words that are not the same in all jobs."""
    return [
        i for i, column in enumerate(zip(*jobs, strict=True)) if len({w.text for w in column}) > 1
    ]


def parse(text: str, functions: Any = None) -> Override:
    """Return what Hydra's grammar makes of a word.

    functions: a table of functions instead of Hydra's own.
    """
    parser = OverridesParser(functions) if functions else OverridesParser.create()
    [found] = parser.parse_overrides([text])
    return found


def _refuse_flag(text: str) -> NoReturn:
    """Raise what the parser of the flags complains of as a mistake."""
    if found := re.fullmatch(r"argument (--[\w-]+)\S*: (.*)", text):
        raise Mistake(f"{found[1]}: {found[2]}")
    raise Mistake(text, advice=_SEE_HELP)


def _check_flags(values: Mapping[str, Any]) -> None:
    """Raise Mistake for flags that Hydra cannot answer, or not together."""
    if values["experimental_rerun"]:
        advice = "a run's last line is the command that repeats it"
        raise Mistake("--experimental-rerun", "is not known to the runner", advice=advice)
    if values["resolve"] and not (values["cfg"] or values["help"]):
        raise Mistake("--resolve", "must stand beside --cfg job", "none")
    commands = ("run", "multirun", "cfg", "info", "shell_completion")
    given = [f"--{name.replace('_', '-')}" for name in commands if values[name]]
    if len(given) > 1 and not (values["help"] or values["hydra_help"]):
        raise Mistake(f"{' and '.join(given)} exclude each other", advice=_SEE_HELP)


def _form_of(flag: str, typed: Sequence[str]) -> str:
    """Return what to write instead of a flag that is a key's name, or the preview's."""
    if flag.startswith(("--out", "-o")):
        return "python -m runner.preview has --out FILE"
    name, _, value = flag.lstrip("-").partition("=")
    after = typed[typed.index(flag) + 1 :]
    value = value or next((text for text in after[:1] if not re.search(r"^-|=", text)), "VALUE")
    if flag.startswith("--") and re.fullmatch(r"[a-z_]+([./][a-z_]+)*", name):
        return f"a key is written {name}={value}, and {_SEE_HELP}"
    return _SEE_HELP


def _check_loops(texts: Sequence[str], script: Sequence[str]) -> None:
    """Raise Mistake for a file where a loop is a function of a module, and for a loop beside a
    script."""
    for text in texts:
        key, _, value = text.partition("=")
        if key != LOOP or value == "none":
            continue
        if script:
            raise Mistake(LOOP, "must be left out beside a script, -- python train.py", value)
        if value.endswith(".py"):
            must = "must name a function behind its module, not a file"
            advice = f"{LOOP}={Path(value).stem}.train calls its function train"
            raise Mistake(LOOP, must, f"'{value}'", advice)


def _refuse_passwords(typed: Sequence[str]) -> None:
    """Raise Mistake for a password in an address, which does not show it."""
    for text in typed:
        key, _, value = text.partition("=")
        key = key.lstrip("+~")
        is_address = key in ("tracking.uri", "study.storage")
        if hide(value) != value if is_address else redact(text, {}) != text:
            raise Mistake(key, NO_PASSWORD)
