"""Odd command lines, each run in a fork of one loaded process: `command_lines.py SEED COUNT`.

Made of the keys of `conf/`, odd values, flags and odd files of a person's own. What is wrong with
the smallest of those that fail is printed.
"""

import contextlib
import copy
import functools
import gc
import importlib
import io
import multiprocessing
import os
import pkgutil
import random
import resource
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HYDRA_FULL_ERROR": "1"}  # no pool before a fork

import yaml
from omegaconf import OmegaConf, _utils

import runner
from runner.__main__ import main
from runner.config import composer, explain
from runner.config.options import CONF, group_options
from runner.flat import flat

USUAL = [
    "model=quadratic",
    "dataset=none",
    "schedule=cosine",
    "optimizer=sgd",
    "++train.steps=3",  # composed with the rest, so that a refusal is composed once
    "++threads=1",
    "tracking=off",
    "states=off",
]
SEARCH = ["study=schedule", "study.trials=1", "study.confirm_seeds=0", "study.baseline=false"]
LATE = ["runner.config.explain", "scipy.stats"]  # what is imported where it is used
SECONDS, BYTES = 30, 2**34
VALUES = [
    *("", "null", "true", "0", "-1", "1", "3", "0.5", "1.5", "1e0", "1e3", "1e308", "-0.0", "nan"),
    *("inf", "-inf", "99999999999", "1" * 30, "1" * 400, "x", "x" * 5000, "é", "2ep", "10%", "-5%"),
    *("1e999%", "0samples", "[]", "{}", "[[]]", "[null]", "[0%,1]", "[1,x]", "[3,2,1]", "{a: 1}"),
    *("{1.5: 2, a: 3}", "{_target_: x}", "{_target_: builtins.dict}", "{_target_: sys.maxsize}"),
    *("builtins.dict", "os.getcwd", "math.pi", "nowhere.X", "..", "/", "a/b", "a.b", "@", "a@b"),
    *("'a b'", '"\'"', "'", "\\", "${lr}", "${foo}", "${oc.env:NOPE}", "${", "${now:%Y}", "???"),
    *("1,2", "x,y", "range(1,3)", "choice(1,x)", "interval(0,1)", "tag(log,interval(0,1))"),
    *("ordered(2, interval(10%, 90%))", "'ordered(2, interval(10%, 90%))'", "glob(*)", "sort(2,1)"),
    *("\x1b[31m", "\n", "file:///nope", "[file:///nope]", "sqlite:///x/y.db", "http://127.0.0.1:9"),
    *("none", "cosine", "linear", "[none,linear]", "0x10", "1_000", "12:30", "on", "~", "*"),
]
FLAGS = [
    *(
        "-m",
        "-m=1",
        "-i",
        "--cfg",
        "--cfg=job",
        "--cfg=foo",
        "--resolve",
        "--run",
        "--package",
        "-p",
    ),
    *("--config-dir", "--config-dir=/nope", "--config-name=x", "--config-path=/nope", "--schedule"),
    *(
        "--experimental-rerun",
        "--info",
        "--info=all",
        "--hydra-help",
        "--help",
        "--version",
        "--",
        "-",
    ),
    *(
        "-x",
        "--lr=0.1",
        "--shell-completion",
        "-sc=install=bash",
        "help",
        "=",
        "+",
        "~",
        "@=1",
        "a=b=c",
    ),
]
HYDRA = [
    *("hydra.mode", "hydra.run.dir", "hydra.sweep.dir", "hydra.job.chdir", "hydra.searchpath"),
    *("hydra.sweeper.params", "hydra.sweeper.n_trials", "hydra/sweeper", "hydra.output_subdir"),
    *("hydra", "hydra.sweeper", "hydra.launcher", "hydra.verbose", "hydra.job.name", "hydra.foo"),
]
LINES = [
    *(
        "1.5: 2",
        "null: 2",
        "true: 2",
        "? [a]",
        "defaults: 3",
        "defaults: [odd]",
        "defaults: [nope]",
    ),
    *("defaults: [nope]", "defaults: [{/model: nope}]", "defaults: [{override /warmup: linear}]"),
    "defaults: [3, [4]]",
    *("# @package", "# @package a b", "# @package _global_", "# @package nope.x", "# caf\udce9"),
    *(
        "s: !!set {a, b}",
        "s: !!binary x",
        "s: !x y",
        "a: &a [*a]",
        "a: *b",
        "a: [",
        "a: }",
        "\t",
        "- 1",
    ),
    *(
        "a: ${",
        "a: ${nope}",
        "a: ???",
        "lr: 1\nlr: 2",
        "_target_: nope",
        "_target_: [1]",
        "<<: {a: 1}",
    ),
    *(
        f"a: {'[' * 3000}",
        f"a: {'[' * 200}{']' * 200}",
        f"a: {'1' * 5000}",
        "---\n---",
        "%YAML 9",
        "\0",
    ),
    *(
        "seed: 1",
        "train: 3",
        "train: {steps: x}",
        "hydra: 3",
        "hydra: {mode: MULTIRUN}",
        "study: 3",
    ),
    "b: &b [x,x,x]\n" + "\n".join(f"b{i}: &c{i} [{','.join(['*b'] * 9)}]" for i in range(9)),
]
NETWORK = ("dataset", "tracking", "study")  # groups whose options load, write or take long


@dataclass(frozen=True)
class Line:
    """A command line: its words behind the usual ones, and the file of an option of its own."""

    words: tuple[str, ...]
    group: str = ""
    file: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = shlex.join([*USUAL, *self.words])
        return f"{text}\n{self.group}/odd.yaml:\n" + "\n".join(self.file) if self.group else text

    def smaller(self) -> Iterator["Line"]:
        """Yield lines with a word, or a line of the file, less."""
        for i in range(len(self.words)):
            yield Line((*self.words[:i], *self.words[i + 1 :]), self.group, self.file)
        for i in range(len(self.file)):
            yield Line(self.words, self.group, (*self.file[:i], *self.file[i + 1 :]))


def keys() -> list[str]:
    """Return all keys of `conf/`, and the groups."""
    found = {}
    for file in CONF.rglob("*.yaml"):
        group = file.parent.relative_to(CONF).as_posix().replace("/", ".")
        if not group.startswith(("hydra", "experiment")):
            prefix = "" if group == "." else f"{group}."
            found |= flat(yaml.safe_load(file.read_text()) or {}, prefix)
    return [k for k in sorted(found) if not k.startswith(("defaults", "hydra", "study.space"))]


def drawn(source: random.Random, known: Sequence[str]) -> Line:
    """Return a command line."""
    groups = group_options()
    words = [*SEARCH] if source.random() < 0.1 else []
    for _ in range(source.choice([1, 1, 2, 3])):
        kind = source.random()
        if kind < 0.12:
            words.append(source.choice(FLAGS))
            continue
        if kind < 0.3:
            group = source.choice([g for g in groups if g not in NETWORK])
            if group == "experiment":
                continue
            words.append(
                f"{source.choice(['', '', '+', '~'])}{group}={source.choice(groups[group])}"
            )
            continue
        key = source.choice(HYDRA) if kind < 0.38 else source.choice([*known, *groups])
        sign = source.choice(["", "", "", "+", "++", "~"])
        value = source.choice(VALUES)
        words.append(
            f"{sign}{key}" if sign == "~" and source.random() < 0.5 else f"{sign}{key}={value}"
        )
    if source.random() < 0.8:
        return Line(tuple(words))
    group = source.choice([g for g in groups if g not in ("study", "tracking")])
    lines = [f"_target_: {source.choice(['schedules.Constant', 'builtins.dict', 'nope.X'])}"]
    lines += [source.choice(LINES) for _ in range(source.choice([1, 1, 2]))]
    source.shuffle(lines)
    chosen = f"{source.choice(['', '+'])}{group}={source.choice(['odd', 'odd', '[odd]', 'od'])}"
    return Line((*words, chosen), group, tuple(lines))


def complaint(line: Line, folder: Path) -> str:
    """Run a command line in a fork; return what is wrong with what it does, nothing if all is
    well."""
    work, own, out = folder / "work", folder / "own", folder / "out"
    words = [*USUAL, *line.words]
    work.mkdir()
    if line.group:
        file = own / line.group / "odd.yaml"
        file.parent.mkdir(parents=True)
        file.write_bytes("\n".join([*line.file, ""]).encode(errors="surrogateescape"))
        words = ["--config-dir", str(own), *words]
    pid = os.fork()
    if not pid:
        _child(words, work, out)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = out.read_text(errors="replace")
    if status == -signal.SIGALRM:
        return f"takes more than {SECONDS} s"
    if status not in (0, 2, 3, 130):
        return f"status {status}: {text[-1500:]}"
    if "Traceback" in text:
        return f"a traceback: {text[-1500:]}"
    if status != 2:
        return ""
    if made := sorted(path.name for path in work.rglob("*")):
        return f"status 2, but made {made}"
    if text.count("\n") > 3 or len(text) > 3000:
        return f"status 2 in {text.count(chr(10))} lines: {text[:1500]}"
    return "" if any(name in text for name in _names(line)) else f"names no key: {text}"


def _names(line: Line) -> Iterator[str]:
    """Yield what a message may name: a key, the last part of one, a flag, the file."""
    for word in (*line.words, *USUAL):
        key = word.partition("=")[0].lstrip("+~").partition("@")[0]
        yield from filter(None, (key, key.replace("/", "."), key.rpartition(".")[2], word))
        yield from ("--",) if word.startswith("-") else ()
    yield from ("cannot read", "odd.yaml") if line.group else ("cannot read",)


def _child(words: Sequence[str], work: Path, out: Path) -> None:
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    file = os.open(out, os.O_RDWR | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(work)
    status = 1
    try:
        status = main(words)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(status)


def smallest(line: Line) -> tuple[Line, str]:
    """Return the smallest part of a failing command line that fails too, and what is wrong."""
    wrong = judged(line)
    for smaller in line.smaller():
        if judged(smaller):
            return smallest(smaller)
    return line, wrong


def judged(line: Line) -> str:
    """Return what is wrong with a command line in a fresh folder."""
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        return complaint(line, Path(folder))


def load() -> None:
    """Load what children would, each for itself, and compose what many of them need."""
    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if "plugins" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    yaml.load, _utils.get_yaml_loader = _once(yaml.load), functools.cache(_utils.get_yaml_loader)
    for file in CONF.rglob("*.yaml"):
        OmegaConf.load(file)
    kept = functools.cache(composer.compose)

    def composed(words: Sequence[str], own: str | None = None) -> Any:
        is_own = own or any("searchpath" in word for word in words)
        return kept.__wrapped__(words, own) if is_own else kept(tuple(words))

    composer.compose = explain.compose = composed
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(USUAL) == 0
    groups = group_options()
    for words in (
        [],
        [word for word in USUAL if word.partition("=")[0] in groups],
        *([word] for word in USUAL),
    ):
        composed(words)
    gc.freeze()
    gc.disable()


def _once(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return a reader of YAML that reads a text once."""
    kept = functools.cache(load)
    return lambda stream, Loader: copy.deepcopy(  # noqa: N803
        kept(stream if isinstance(stream, str | bytes) else stream.read(), Loader)
    )


def run(seed: int, count: int) -> int:
    """Run command lines; print those that fail, each made small, and return how many."""
    source, known = random.Random(seed), keys()
    load()
    lines = [drawn(source, known) for _ in range(count)]
    failed = set[str]()
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        for line, wrong in zip(lines, pool.imap(judged, lines), strict=True):
            if not wrong:
                continue
            small, wrong = smallest(line)
            if str(small) not in failed:
                print(f"python -m runner {small}\n  {wrong}\n", flush=True)
            failed.add(str(small))
    return len(failed)


if __name__ == "__main__":
    sys.exit(min(run(int(sys.argv[1]), int(sys.argv[2])), 1))
