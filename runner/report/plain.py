"""Any text as what a terminal can show."""

import codecs

_TURNING = (0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070))
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), 0xAD, *_TURNING, 0xFEFF)
_AS_LINE = {code: ascii(chr(code))[1:-1] for code in _CONTROLS}
_AS_TEXT = {code: shown for code, shown in _AS_LINE.items() if chr(code) not in "\t\n"}
_PLAIN = {"±": "+-", "█": "#", "…": "..."}


def as_text(text: str) -> str:
    """Return a text whose control characters, which could move the cursor, change the terminal or
    turn what is read, are written out.

    >>> as_text("red \\x1b[31m\\n")
    'red \\\\x1b[31m\\n'
    """
    return text.translate(_AS_TEXT)


def as_line(text: str) -> str:
    """Return a name as `as_text` does, on one line.

    >>> as_line("one\\ntwo")
    'one\\\\ntwo'
    """
    return text.translate(_AS_LINE)


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
