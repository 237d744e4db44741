"""Tracking addresses: passwords stay out of sight, and come back from the environment."""

from pathlib import Path

import pytest

from runner.addresses import host_port, local_file, place, refuse_password, resolve, without_user
from runner.errors import Mistake
from runner.passwords import hide

ODD = ["secret", "p%40ss", "p@ss", "p:ss", "p/ss", "p@s:s/s", "1/2", "p?s#s", ""]


@pytest.mark.parametrize("password", ODD)
@pytest.mark.parametrize("scheme", ["http", "https", "postgresql+psycopg"])
def test_no_part_of_a_password_is_shown(scheme: str, password: str) -> None:
    assert hide(f"{scheme}://me:{password}@host:5000/x") == f"{scheme}://me:***@host:5000/x"


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "http://[::1]:5000/mlflow",
        "sqlite:///mlflow.db",
        "sqlite:////home/me@work/mlflow.db",
        "postgresql://me@host/runs",
        "databricks",
    ],
)
def test_an_address_without_a_password_is_shown_and_taken_as_it_is(uri: str) -> None:
    refuse_password(uri)
    assert hide(uri) == uri


@pytest.mark.parametrize("password", ODD)
def test_a_password_in_tracking_uri_is_refused_without_showing_it(password: str) -> None:
    with pytest.raises(Mistake, match=r"^tracking.uri must hold no password; give it as MLFLOW_"):
        refuse_password(f"http://me:{password}@host")


def test_a_password_in_a_query_is_refused() -> None:
    with pytest.raises(Mistake, match=r"^tracking.uri must hold no password"):
        refuse_password("postgresql://host/runs?user=me&password=secret")


def test_the_given_address_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve(None) == "sqlite:///mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:5000")
    assert resolve(None) == "http://host:5000"
    assert resolve("sqlite:///mine.db") == "sqlite:///mine.db"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://me:***@host:5000", "http://host:5000"),
        ("postgresql://me:***@host/runs", "postgresql://you@host/runs"),
        ("sqlite:///mlflow.db", f"sqlite:///{Path.cwd()}/mlflow.db"),
    ],
)
def test_a_place_is_the_same_whoever_uses_it(one: str, other: str) -> None:
    assert place(one) == place(other)
    assert place(one) != place(f"{other}x")


def test_a_servers_page_is_named_without_its_user() -> None:
    assert without_user("http://me:p@ss@host:5000") == "http://host:5000"
    assert without_user("http://host:5000") == "http://host:5000"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://host", ("host", 80)),
        ("https://me:secret@host/mlflow", ("host", 443)),
        ("http://[::1]:5000", ("::1", 5000)),
        ("mysql+pymysql://host/runs", ("host", 3306)),
        ("databricks", None),
        ("sqlite:////data/mlflow.db", None),
    ],
)
def test_only_servers_have_a_network_address(uri: str, expected: tuple[str, int] | None) -> None:
    assert host_port(uri) == expected


def test_an_address_that_cannot_be_read_is_a_mistake_without_its_password() -> None:
    message = r"tracking.uri must be an address like http://host:5000, got http://me:\*\*\*@host;"
    with pytest.raises(Mistake, match=message) as caught:
        host_port("http://me:pa/ss@host")
    assert "pa" not in str(caught.value).replace("part", "").replace("password", "")
    assert caught.value.__cause__ is None


def test_a_local_database_is_a_file_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert local_file("sqlite:///mlflow.db") == tmp_path / "mlflow.db"
    assert local_file("http://host") is None
