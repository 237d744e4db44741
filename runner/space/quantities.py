"""Numbers with a unit: exact by their decimals, and as text."""

import re
from decimal import Decimal
from fractions import Fraction

QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(%|ep|samples)")


def exact(number: float) -> Fraction:
    """Return a number as its decimals say.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    return Fraction(number) if isinstance(number, int) else Fraction(repr(float(number)))


def decimals(number: float) -> int:
    """Return how many decimals a number has, below 0 for whole tens.

    >>> decimals(0.25), decimals(1e-05), decimals(300)
    (2, 5, -2)
    """
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


def with_unit(number: float, unit: str) -> str:
    """Return a number as text; with a unit it has no exponent.

    >>> with_unit(1e-05, "%"), with_unit(5.0, "ep"), with_unit(1e-05, "")
    ('0.00001%', '5ep', '1e-05')
    """
    text = format(Decimal(repr(number)), "f") if unit else repr(number)
    return f"{text.removesuffix('.0')}{unit}"
