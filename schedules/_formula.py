"""A formula's text -> a tree of a few allowed nodes -> rates. Nothing is ever executed."""

import ast
import math
import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from schedules import _checks
from schedules.errors import ArgumentError
from schedules.schedule import Rates

VARIABLES = ("t", "total_steps")
_CONSTANTS = {"pi": math.pi, "e": math.e}
_OPERATORS: dict[type[ast.AST], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
    ast.UAdd: np.positive,
    ast.USub: np.negative,
}
_FUNCTIONS: dict[str, np.ufunc] = {
    "abs": np.absolute,
    "arccos": np.arccos,
    "arcsin": np.arcsin,
    "arctan": np.arctan,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "exp": np.exp,
    "floor": np.floor,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "round": np.rint,
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "square": np.square,
    "tan": np.tan,
    "tanh": np.tanh,
}
_NAMES = {*VARIABLES, *_CONSTANTS, *_FUNCTIONS}
_TOKEN = re.compile(
    r"""\s* (?: (?P<number> (?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
              | (?P<name> [A-Za-z_][A-Za-z_0-9]*)
              | (?P<sign> \*\*|//|[-+*/%(),]) )""",
    re.VERBOSE | re.ASCII,
)
_MAX_LENGTH = 1000
_MAX_DEPTH = 100


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[ast.expr, frozenset[str]]:
    """The tree of a formula, and which of the variables it uses."""
    if len(text) > _MAX_LENGTH:
        raise ArgumentError(
            "expression", f"must have at most {_MAX_LENGTH} characters", str(len(text))
        )
    used = _names(text)
    line = re.sub(r"\s", " ", text).strip()
    try:
        tree = ast.parse(line, mode="eval").body
    except (RecursionError, MemoryError):
        raise ArgumentError(
            "expression", f"must be nested at most {_MAX_DEPTH} deep", _short(text)
        ) from None
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ArgumentError(
            "expression", "must be a formula", f"{_short(text)}: {reason}"
        ) from None
    _check(tree, line, 0)
    return tree, used & frozenset(VARIABLES)


def evaluate(tree: ast.expr, variables: Mapping[str, Rates]) -> Rates:
    """The values of a parsed formula; what does not depend on an array has length 1."""
    match tree:
        case ast.Constant(value=int() | float() as value):
            return np.array([float(value)])
        case ast.Name(id=name):
            return variables[name] if name in variables else np.array([_CONSTANTS[name]])
    called = _called(tree)
    assert called, f"{type(tree).__name__} was not refused"
    operator, operands = called
    rates: Rates = operator(*(evaluate(operand, variables) for operand in operands))
    return rates


def _called(tree: ast.expr) -> tuple[np.ufunc, list[ast.expr]] | None:
    """The function that a node calls and with what; None for any other node."""
    match tree:
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)], [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)], [left, right]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name], args
    return None


def _names(text: str) -> frozenset[str]:
    """The names in a text of allowed tokens; Python's parser sees no other text."""
    names, at = set(), 0
    end = len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            piece = text[at:].lstrip()[:1]
            raise ArgumentError(
                "expression",
                "must hold only numbers, names, + - * / // % ** ( ) and commas",
                f"{piece!r} in {_short(text)}",
            )
        if (name := token["name"]) is not None:
            if name not in _NAMES:
                raise ArgumentError(
                    "expression",
                    f"must use only t, total_steps, pi, e and {', '.join(_FUNCTIONS)}",
                    repr(name),
                )
            names.add(name)
        at = token.end()
    return frozenset(names)


def _check(tree: ast.expr, line: str, depth: int) -> None:
    """Refuse any node that `evaluate` does not know."""
    if depth > _MAX_DEPTH:
        raise ArgumentError("expression", f"must be nested at most {_MAX_DEPTH} deep", _short(line))
    called = _called(tree)
    match tree:
        case ast.Constant(value=bool()):
            known = False
        case ast.Constant(value=int() | float() as value):
            known = math.isfinite(_checks.real("expression", value))
        case ast.Name(id=name):
            known = name in _CONSTANTS or name in VARIABLES
        case ast.Call(func=ast.Name(id=name), args=args) if called:
            known = True
            if len(args) != (wanted := _FUNCTIONS[name].nin):
                raise ArgumentError(
                    "expression",
                    f"must give {name} {wanted} argument{'s' * (wanted > 1)}",
                    _piece(line, tree),
                )
        case _:
            known = called is not None
    if not known:
        raise ArgumentError(
            "expression",
            "must be made of finite numbers, variables, operators and calls",
            _piece(line, tree),
        )
    for part in called[1] if called else ():
        _check(part, line, depth + 1)


def _piece(line: str, tree: ast.expr) -> str:
    return _short(ast.get_source_segment(line, tree) or line)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
