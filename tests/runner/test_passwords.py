"""No part of a password is shown, whatever it looks like and wherever it stands."""

from pathlib import Path
from typing import Any

import pytest

from runner.addresses import refuse_password
from runner.errors import Mistake
from runner.passwords import hide, redact

PASSWORDS = ["PW", "p%40PW", "p@PW", "p:PW", "p/PW", "p@s:PW/s", "1/2PW", "p?PW#s", "p PW", "PW 1@"]
ADDRESSES = [
    "http://me:{}@host:5000/x",
    "https://:{}@host",
    "http://me@here.org:{}@host",
    "postgresql+psycopg://us@er:{}@127.0.0.1:1/db",
    "mysql+pymysql://me:{}@host/runs?ssl=1",
    "databricks://user:{}@h",
    "redis://:{}@host:6379/0",
    "user:{}@host",
    "us.er:{}@host:5000/path",
]
QUERIES = [
    "http://host?token={}",
    "http://host/x?a=1&access_token={}&b=2",
    "postgresql://host/runs?user=me&password={}",
    "postgresql://host/runs?sslpassword={}&user=me",
    "https://host/?api_key={}",
    "https://host/?apikey={}",
    "https://host/blob?sp=r&signature={}",
    "https://host/?client_secret={}",
    "https://host/?PASSWORD={}",
    "mssql://host/db;pwd={}",
    "https://host/?a=1#access_token={}",
]
WORDS = [
    ("host=h password=PW user=me", "host=h password=*** user=me"),
    ("host=h password='my PW' user=me", "host=h password=*** user=me"),
    ("Driver=x;UID=me;PWD=PW;", "Driver=x;UID=me;PWD=***;"),
    ("Driver=x;PWD={P;}}W};UID=me", "Driver=x;PWD=***;UID=me"),
    ("mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3DP%40W%3BDB%3Dx", "UID%3Dme%3BPWD%3D***%3BDB"),
    ("{'user': 'me', 'password': 'my PW'}", "{'user': 'me', 'password': ***}"),
    ('{"password":"PW","a":1}', '{"password":***,"a":1}'),
    ("user: me\npassword: PW\nlr: 1", "user: me\npassword: ***\nlr: 1"),
]
PLAIN = [
    "http://127.0.0.1:5000",
    "http://[::1]:5000/mlflow",
    "sqlite:///mlflow.db",
    "sqlite:////home/me@work/a:b@c.db",
    "journal:a:b@c",
    "postgresql://me@host/runs",
    "postgresql+psycopg://me@/db?host=/run/postgresql",
    "databricks",
    "databricks://profile",
]
TEXTS = [
    "http://host:5000/a@b",
    "a and b@c",
    "step 3:4 of a@b",
    "git@github.com:me/x.git",
    "schedule.boundaries='ordered(3, interval(10%, 90%), step=5%)' seed=1",
    "got http://[::1]:5000 (refused), write to me@host",
    "model.max_tokens=512 dataset.token=word",
    "must be http://HOST:PORT or a database address, got 'http://me:***@host'",
    'File "/a/b.py", line 3, in <module>: x @ y',
]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("form", [*ADDRESSES, *QUERIES])
def test_an_address_shows_no_part_of_its_password(form: str, password: str) -> None:
    if "?" in form or ";" in form:
        password = password.replace("&", "").replace("@", "")
    address = form.format(password)
    shown = hide(address)
    assert shown == form.format("***")
    assert hide(shown) == shown
    for key in ("tracking.uri", "study.storage"):
        with pytest.raises(Mistake, match=rf"^{key} must hold no password") as caught:
            refuse_password(address, key)
        assert "PW" not in str(caught.value)


@pytest.mark.parametrize("form", [*ADDRESSES, *QUERIES])
@pytest.mark.parametrize("around", ["{}", "got {}", "cannot open '{}'", '["tracking.uri={}", "a"]'])
def test_a_text_shows_no_password(form: str, around: str) -> None:
    for password in ("PW", "p%40PW", "p@PW", "p:PW"):
        if password == "p@PW" and ("?" in form or ";" in form):
            continue
        shown = redact(around.format(form.format(password)), {})
        assert shown == around.format(form.format("***"))
        assert redact(shown, {}) == shown


@pytest.mark.parametrize(("text", "shown"), WORDS)
def test_a_password_is_known_by_its_name(text: str, shown: str) -> None:
    found = redact(text, {})
    assert shown in found
    assert "W" not in found.replace("PWD", "")
    assert redact(found, {}) == found


@pytest.mark.parametrize("address", PLAIN)
def test_an_address_without_a_password_is_shown_as_it_is(address: str) -> None:
    assert hide(address) == address == redact(address, {})


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_without_a_password_is_shown_as_it_is(text: str) -> None:
    assert redact(text, {}) == text


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("MLFLOW_TRACKING_PASSWORD", "Xy12-3z", "401 for ***"),
        ("PGPASSWORD", "Xy12-3z", "401 for ***"),
        ("GITHUB_TOKEN", "Xy12-3z", "401 for ***"),
        ("my_secret_2", "Xy12-3z", "401 for ***"),
        ("DB_PASSWORD", "hunter", "401 for ***"),
        ("DB_PASSWORD", "Postgres", "401 for Postgres"),
        ("DB_PASSWORD", "123456", "401 for 123456"),
        ("DB_PASSWORD", "short", "401 for short"),
        ("USER", "Xy12-3z", "401 for Xy12-3z"),
    ],
)
def test_what_the_environment_calls_secret_is_shown_nowhere(
    name: str, value: str, shown: str
) -> None:
    assert redact(f"401 for {value}", {name: value}) == shown


def test_a_word_of_the_runners_own_is_no_secret() -> None:
    text = "got sqlite:///mlflow.db, mlflow-artifacts and hunters, mlflow ui"
    assert redact(text, {"DB_PASSWORD": "mlflow", "DB_TOKEN": "hunter"}) == text
    assert redact("a hunter's", {"DB_TOKEN": "hunter"}) == "a ***'s"


def test_a_secret_is_hidden_as_an_address_writes_it_too() -> None:
    assert redact("no a%2Fb%40cde here", {"DB_SECRET": "a/b@cde"}) == "no *** here"


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_environments_address_is_shown_without_its_password(password: str) -> None:
    address = f"http://me:{password}@host"
    shown = redact(f"cannot open {address} twice", {"MLFLOW_TRACKING_URI": address})
    assert shown == "cannot open http://me:***@host twice"


def test_the_password_of_the_environments_address_is_known_by_itself() -> None:
    known = {"MLFLOW_TRACKING_URI": "http://me:Xy12-3z@host"}
    assert redact("no Xy12-3z for me", known) == "no *** for me"


def test_a_secret_reaches_no_record_of_a_run(
    command: Any, store: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "Xy12-3z")
    (folder / "leaky.py").write_text(
        "from runner.training.models import Quadratic\n"
        "class Leaky(Quadratic):\n"
        "    def __init__(self, key):\n"
        "        super().__init__()\n"
    )
    monkeypatch.syspath_prepend(folder)
    own = "model._target_=leaky.Leaky ~model.w '+model.key=${oc.env:DB_PASSWORD}'"
    line = f"model=quadratic dataset=none {own} 'tracking.run_name=a Xy12-3z b' train.steps=2"
    done = command(line)
    assert done.status == 0, done.err
    (run,) = store.runs()
    assert (run.info.run_name, run.data.params["model.key"]) == ("a *** b", "***")
    assert "Xy12" not in done.out + done.err
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "leaky.py"]
    assert [file for file in files if b"Xy12-3z" in file.read_bytes()] == []
