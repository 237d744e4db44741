"""Any text as what a terminal can show."""

import codecs

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_AS_TEXT = {code: ascii(chr(code))[1:-1] for code in _CONTROLS if chr(code) not in "\t\n"}
_PLAIN = {"±": "+-", "█": "#", "…": "..."}


def as_text(text: str) -> str:
    """Return a text whose control characters, which could move the cursor or change the terminal,
    are written out.

    >>> as_text("red \\x1b[31m\\n")
    'red \\\\x1b[31m\\n'
    """
    return text.translate(_AS_TEXT)


def in_encoding(text: str, encoding: str | None) -> str:
    """Return a text in letters that an encoding has.

    >>> in_encoding("0.5 ± 0.1, 学習率", "ascii")
    '0.5 +- 0.1, ???'
    """
    code = encoding or "utf-8"
    return text.encode(code, "plain").decode(code)


def _replace(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter, "?") for letter in found), error.end


codecs.register_error("plain", _replace)
