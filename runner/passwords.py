"""Passwords in texts and addresses, hidden before anybody reads them."""

import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping

MARK = "***"
_SECRET = r"(?:passw(?:or)?d|pwd|token|secret|api_?key|access_?key|signature|credential)"
_QUERY = re.compile(rf"([?&;#][\w.-]*{_SECRET}[\w.-]*=)[^&;\s'\"]+", re.IGNORECASE)
_WHOLE_QUERY = re.compile(rf"([?&;#][\w.-]*{_SECRET}[\w.-]*=)[^&;]+", re.IGNORECASE)
_VALUE = r"(?:'[^'\n]*'|\"[^\"\n]*\"|\{(?:[^}\n]|\}\})*\}|[^&;,\s'\"{}]+)"
_WORDS = re.compile(rf"(?<![\w.-])((?:password|passwd|pwd)['\"]?\s?[=:]\s?){_VALUE}", re.IGNORECASE)
_ENCODED = re.compile(r"((?:password|passwd|pwd)%3D)(?:(?!%3B)[^&\s'\"])+", re.IGNORECASE)
_PORT = r"(?:\d+|PORT)(?:[^\w@]|$)"  # http://host:5000/a@b holds no password
_USERINFO = re.compile(rf"(://(?!\[)[^/:\s'\"]*):(?!{_PORT}|\*\*\*@)[^\n]*@")  # to the last @
_BARE = re.compile(rf"(?<![\w/:@.-])(?!journal:)([\w.+-]+):(?!{_PORT}|\*\*\*@)[^\s/]\S*@(?=[\w\[])")
_NAMES = re.compile(r"PASSWORD|PASSWD|TOKEN|SECRET")
_LEAST_CHARACTERS = 6  # of a variable's value that is looked for everywhere
_PUBLIC = re.compile(  # in every text: a gap in their place would tell the password
    "mlflow|mlartifacts|optuna|python|runner|sqlite|postgres(ql)?|schedules?|tracking|experiments?|"
    "models?|dataset|optimizer|warmup|clipping|precision|threads|cosine|linear|launcher|sweeper",
    re.IGNORECASE,
)


def hide(address: str) -> str:
    """Return an address with its password hidden, whatever characters that has.

    >>> hide("http://me:p@ss/wo rd@host:5000"), hide("me:secret@host"), hide("sqlite:///a:b@c.db")
    ('http://me:***@host:5000', 'me:***@host', 'sqlite:///a:b@c.db')
    >>> hide("http://host?token=my own&x=1")
    'http://host?token=***&x=1'
    """
    address = _ENCODED.sub(rf"\1{MARK}", _WHOLE_QUERY.sub(rf"\1{MARK}", address))
    start = address.find("://") + 3 if "://" in address else 0
    scheme, rest = address[:start], address[start:]
    userinfo, at, host = rest.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    if not (at and colon) or rest.startswith("/") or address.startswith("journal:"):
        return address
    return f"{scheme}{user}:{MARK}@{host}"


def redact(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a text with the passwords in it hidden: those of addresses, and what the environment
    says in variables named for a password, token or secret.

    >>> redact("cannot open postgresql://me:secret@host/db"), redact("no me:secret@host")
    ('cannot open postgresql://me:***@host/db', 'no me:***@host')
    >>> redact("401 for Xy12-3z", {"MLFLOW_TRACKING_TOKEN": "Xy12-3z"})
    '401 for ***'
    """
    for given, shown in _known(environment):
        if given not in text:
            continue
        word = rf"(?<![^\W_]){given}(?![^\W_])" if given.isalpha() else re.escape(given)
        text = re.sub(word, lambda _, shown=shown: shown, text)  # type: ignore[misc]
    text = _USERINFO.sub(rf"\1:{MARK}@", text) if "@" in text else text
    text = _BARE.sub(rf"\1:{MARK}@", text) if "@" in text else text
    for found in (_WORDS, _QUERY, _ENCODED):
        text = found.sub(rf"\1{MARK}", text)
    return text


def _known(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return what may be shown nowhere, with what is shown for it; letters alone are looked for as
    a word."""
    for name, value in environment.items():
        if name == "MLFLOW_TRACKING_URI" and hide(value) != value:
            yield value, hide(value)
            value = value.rpartition("@")[0].rpartition("://")[2].partition(":")[2]
        elif not _NAMES.search(name.upper()):
            continue
        if len(value) >= _LEAST_CHARACTERS and not (_PUBLIC.fullmatch(value) or _number(value)):
            yield value, MARK
            quoted = urllib.parse.quote(value, safe="")
            if quoted != value:
                yield quoted, MARK


def _number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
