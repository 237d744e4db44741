"""Where calls are made: each in its folder, none for ever after the others."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.helper.calls import Call, Surroundings
from runner.helper.server import Place


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(Path.cwd())  # and back in the end
    return Place()


def call(folder: Path) -> Call:
    return Call(Surroundings(str(folder), Surroundings.now().environment), os.getcwd)


def test_who_wants_another_folder_is_not_overtaken_for_ever(
    place: Place, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    here, order = Path.cwd(), []
    first = place.of(call(here))
    first.__enter__()

    def ask(name: str, folder: Path) -> None:
        with place.of(call(folder)):
            order.append((name, os.getcwd()))

    moves = threading.Thread(target=ask, args=("moves", tmp_path))
    moves.start()
    eventually(lambda: place._movers)
    later = threading.Thread(target=ask, args=("later", here))
    later.start()
    later.join(0.2)
    assert order == []
    first.__exit__(None, None, None)
    moves.join()
    later.join()
    assert order == [("moves", str(tmp_path)), ("later", str(here))]


def test_a_folder_that_is_gone_keeps_nobody_waiting(place: Place, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(FileNotFoundError), place.of(call(gone)):
        pass
    with place.of(call(tmp_path)):
        assert os.getcwd() == str(tmp_path)
