"""The command line is read once."""

from pathlib import Path

import pytest
from hydra.errors import OverrideParseException

from runner.config.command_line import CommandLine, Kind, word
from runner.errors import Mistake

ODD = ["secret", "p%40ss", "p@ss", "p:ss", "p/ss", "p@s:s/s", "1/2", "p?s#s", ""]


def test_flags_are_told_from_words_wherever_they_stand(tmp_path: Path) -> None:
    line = CommandLine.read(["lr=1", "-m", f"--config-dir={tmp_path}", "seed=0,1"])
    assert [one.text for one in line.words] == ["lr=1", "seed=0,1"]
    assert (line.config_dir, line.multirun, line.asks_hydra) == (str(tmp_path), True, False)
    assert line.flags == ("-m", f"--config-dir={tmp_path}")


def test_a_config_dir_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert CommandLine.read(["-cd", "mine"]).config_dir == str(tmp_path / "mine")


@pytest.mark.parametrize("flags", ["--help", "--cfg job", "--info plugins", "--hydra-help"])
def test_flags_of_hydras_own_are_left_to_it(flags: str) -> None:
    assert CommandLine.read(["seed=1", *flags.split()]).asks_hydra


@pytest.mark.parametrize(
    ("text", "key", "kind", "value", "options"),
    [
        ("lr=1e-3", "lr", Kind.FIXES, 1e-3, ()),
        ("model.hidden=[8,16]", "model.hidden", Kind.FIXES, [8, 16], ()),
        ("run='a,b'", "run", Kind.FIXES, "a,b", ()),
        ("clipping/max_norm_schedule=none", "clipping/max_norm_schedule", Kind.FIXES, "none", ()),
        ("+model.width=null", "model.width", Kind.ADDS, None, ()),
        ("++seed=1", "seed", Kind.ADDS, 1, ()),
        ("~optimizer.groups", "optimizer.groups", Kind.DELETES, None, ()),
        ("seed=0,1", "seed", Kind.SWEEPS, None, ("0", "1")),
        ("+model.flag=true,false", "model.flag", Kind.SWEEPS, None, ("True", "False")),
        ("seed=range(1,4)", "seed", Kind.SWEEPS, None, ("1", "2", "3")),
        ("uri=http://a,http://b", "uri", Kind.SWEEPS, None, (r"http\://a", r"http\://b")),
        ("lr=interval(0,1)", "lr", Kind.SEARCHES, None, ()),
        ("model=glob(*)", "model", Kind.SEARCHES, None, ()),
    ],
)
def test_a_word_says_what_it_does(text: str, key: str, kind: Kind, value, options) -> None:
    found = word(text)
    assert (found.text, found.key, found.kind) == (text, key, kind)
    assert (found.value, found.options) == (value, options)


def test_an_option_of_a_list_keeps_what_stands_before_the_key() -> None:
    found = word("++uri=http://a,http://b").at(r"http\://b")
    assert (found.sign, found.given, found.value) == ("++", "http://b", "http://b")


def test_what_hydra_cannot_read_is_said_by_hydra() -> None:
    with pytest.raises(OverrideParseException, match="no viable alternative"):
        CommandLine.read(["lr=[0.1"])


def test_an_unknown_flag_and_a_folder_that_is_none_are_refused() -> None:
    with pytest.raises(Mistake, match=r"^unknown flag --dry-run; python -m runner --help shows"):
        CommandLine.read(["--dry-run"])
    with pytest.raises(Mistake, match=r"^--config-dir must be a folder, got 'nowhere'$"):
        CommandLine.read(["--config-dir", "nowhere"])


@pytest.mark.parametrize("password", ODD)
def test_a_password_is_refused_before_anything_is_read(password: str) -> None:
    with pytest.raises(Mistake, match=r"^tracking.uri must hold no password; give it as MLFLOW_"):
        CommandLine.read(["seed=[", f"+tracking.uri=http://me:{password}@host"])


def test_a_password_under_any_key_is_refused() -> None:
    with pytest.raises(Mistake, match=r"^dataset.root must hold no password"):
        CommandLine.read(["dataset.root=https://me:secret@host/data"])
