"""Names of other libraries are answered with ours, and ours are there."""

import re

import pytest

from runner.config.composer import compose
from runner.config.familiar import KEYS, OPTIONS, key_hint, option_hint
from runner.config.options import group_options, owners_of
from runner.config.paths import is_option

OURS = [*KEYS.values(), *(ours for group in OPTIONS.values() for ours in group.values())]

PARAMS = "hydra.sweeper.params"


@pytest.mark.parametrize("ours", OURS)
def test_what_is_named_is_there(ours: str) -> None:
    groups = group_options()
    config = compose(["study=schedule"])
    for key in re.findall(r"\b((?:train|schedule|warmup|optimizer|clipping|study)\.\w+)", ours):
        group, _, name = key.partition(".")
        mine = group in config and name in (config[group] or {})
        assert mine or owners_of(key, None) or name == "_target_", key
    for group, option in re.findall(r"\b([\w/]+)=([\w.]+)", ours):
        found = group not in groups or option in groups[group] or is_option(group, option)
        assert found, (group, option)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("schedule.T_max=3", "unknown key 'schedule.T_max'; here it is schedule.decay_steps"),
        ("+learning_rate=3", "unknown key 'learning_rate'; here it is lr"),
        ("train.n_epochs=3", "unknown key 'train.n_epochs'; here it is train.epochs"),
        ("hydra.sweeper.n_trials=3", "unknown key 'hydra.sweeper.n_trials'; here it is study.tri"),
        ("hydra.sweeper.sampler.seed=3", "'hydra.sweeper.sampler.seed'; here it is study.seed"),
        ("hydra.sweeper.params.lr=3", "here it is 'lr=tag(log, interval(1e-4, 1e-1))', or study."),
        *(
            (f"-m {words} seed=0", f"unknown key '{key}'; here it is 'lr=tag(log, interval(1e-4,")
            for words, key in {
                "hydra/sweeper=optuna hydra.sweeper.params.lr=interval(0,1)": f"{PARAMS}.lr",
                "study=decay_rate hydra.sweeper.params.lr=0.1,0.2": f"{PARAMS}.lr",
                "hydra/sweeper=optuna 'hydra.sweeper.params={lr: x}'": PARAMS,
            }.items()
        ),
        ("hydra.sweeper.direction=x", "here it is study.direction"),
        ("schedule=StepLR", "got 'StepLR' (here it is schedule=step)"),
        ("optimizer=lion", "got 'lion' (here it is optimizer=MODULE.Lion, any"),
        ("dataset=imagenet", "got 'imagenet' (here it is dataset=mine.data, a function"),
        ("--schedule cosine", "--schedule; a key is written schedule=cosine, and python -m runner"),
        ("--lr=0.1", "unknown flag --lr=0.1; a key is written lr=0.1, and"),
        ("--output x", "unknown flag --output; python -m runner.preview has --out FILE"),
        ("help", "cannot read 'help'; write python -m runner --help"),
        ("preview", "cannot read 'preview'; write python -m runner.preview, and the words behind"),
        ("~schedule.decay_rate=3", "schedule.decay_rate is 0.9, not 3: ~schedule.decay_rate tak"),
        ("--config-name=x", "--config-name must be a file of the folder that --config-dir names"),
    ],
)
def test_the_line_says_our_name(line: str, hint: str, command, folder) -> None:
    done = command(line)
    assert (done.status, done.err.count("\n"), list(folder.iterdir())) == (2, 1, [])
    assert hint in done.err


def test_an_option_in_a_folder_that_was_not_named_is_found(command, folder) -> None:
    file = folder / "groups" / "study" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# @package _global_\n")
    done = command("study=mine")
    assert "got 'mine'; groups/study/mine.yaml is there: add --config-dir groups\n" in done.err


def test_nobody_is_told_a_name_that_nobody_brings() -> None:
    assert (key_hint("foo"), option_hint("model", "foo")) == ("", "")
