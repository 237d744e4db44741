"""Formulas as text: what they mean, and what is refused before anything is computed."""

import math
import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules import Exponential, Expression, Horizon, Polynomial

H100 = Horizon(total_steps=100, steps_per_epoch=10)


def rate(text, t=0):
    return Expression(expression=text).bind(H100)(t)


@pytest.mark.parametrize(
    ("text", "t", "expected"),
    [
        ("0.1", 7, 0.1),
        ("1", 0, 1.0),
        (".5", 0, 0.5),
        ("5.", 0, 5.0),
        ("1e-05", 0, 1e-5),
        ("1_000 * 1E-6", 0, 1e-3),
        ("0.1 * 0.5 ** (t / 1000)", 2000, 0.025),
        ("1 - t / total_steps", 25, 0.75),
        ("2 + 3 * 4", 0, 14.0),
        ("(2 + 3) * 4", 0, 20.0),
        ("2 ** 3 ** 2", 0, 512.0),
        ("9 - -2 ** 2", 0, 13.0),
        ("2 ** -1", 0, 0.5),
        ("+t", 3, 3.0),
        ("t // 10", 39, 3.0),
        ("t % 10", 39, 9.0),
        ("-7 % 3 + -7 // 3 + 9", 0, 8.0),
        ("7 / 2", 0, 3.5),
        ("1 / 3 * 3", 0, 1.0),
        ("pi", 0, math.pi),
        ("e", 0, math.e),
        ("abs(-2)", 0, 2.0),
        ("ceil(1.2) + floor(1.8) + round(2.5) + sign(-3)", 0, 4.0),
        ("exp(1)", 0, math.e),
        ("log(e) + log2(8) + log10(100)", 0, 6.0),
        ("sqrt(9) + square(3)", 0, 12.0),
        ("maximum(t, 5) + minimum(t, 5)", 7, 12.0),
        ("cos(0) + sin(pi / 2)", 0, 2.0),
        ("tan(pi / 4)", 0, 1.0),
        ("sinh(1) ** 2 + 1 - cosh(1) ** 2", 0, 0.0),
        ("tanh(0.5)", 0, math.tanh(0.5)),
        ("arcsin(1) + arccos(1) + arctan(1)", 0, 0.75 * math.pi),
        (" 0.5 * (1 +\n cos(pi * t / total_steps))\n", 50, 0.5),
        ("maximum(1e-3, 0.1 * (1 - t / total_steps) ** 2)", 99, 1e-3),
    ],
)
def test_by_hand(text, t, expected):
    assert rate(text, t) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_same_as_the_families():
    t = np.arange(300)
    exponential = Expression(expression="0.01 * 0.96 ** (t // 16)")
    staircase = Exponential(lr=0.01, decay_rate=0.96, decay_steps=16, staircase=True)
    np.testing.assert_allclose(exponential(t), staircase(t), rtol=1e-14)
    line = Expression(
        expression="0.1 * (1 - minimum(t, total_steps) / total_steps)", total_steps=70
    )
    np.testing.assert_allclose(line(t), Polynomial(lr=0.1, decay_steps=70)(t), atol=1e-17)


def test_total_steps_is_the_run_s_where_the_formula_uses_it():
    line = Expression(expression="1 - t / total_steps", after="hold")
    assert line.total_steps == "100%"
    assert not line.bound
    assert line.bind(H100)(np.array([0, 75, 100, 101])).tolist() == [1.0, 0.25, 0.0, 0.0]
    assert (
        Expression(expression="1 / (1 + t / total_steps)", total_steps="2ep").bind(H100)(20) == 0.5
    )
    assert Expression(expression="0.1").bound
    with pytest.raises(ValueError, match=r"^total_steps must be null for an expression .* got 9$"):
        Expression(expression="0.1", total_steps=9)
    with pytest.raises(ValueError, match=r"^total_steps must be bound to a run first, got '100%'"):
        line(0)


def test_after_its_end():
    held = Expression(expression="1 / (1 + t)", after="hold", end_steps=9)
    assert held(np.array([9, 10, 1000])).tolist() == [0.1, 0.1, 0.1]
    refused = replace(held, after="error")
    with pytest.raises(ValueError, match=r"^after must be .* got 'error' and step 10$"):
        refused(10)


@pytest.mark.parametrize(
    ("text", "step", "value"),
    [
        ("0 / (t - 5)", 5, "nan"),
        ("1 / (t - 5) + 1", 5, "inf"),
        ("log(t)", 0, "-inf"),
        ("3 - t", 4, "-1.0"),
        ("sqrt(5 - t)", 6, "nan"),
        ("2 ** t", 1024, "inf"),
        ("exp(t)", 710, "inf"),
        ("(2 - t) ** 0.5", 3, "nan"),
        ("t % 0", 0, "nan"),
    ],
)
def test_a_rate_that_is_none_is_an_error_that_says_where(text, step, value):
    with pytest.raises(
        ValueError,
        match=rf"^expression must give finite rates of at least 0, got {value} at step {step}$",
    ):
        Expression(expression=text)(np.arange(2000))


@pytest.mark.parametrize("text", ["-1", "1 / 0", "9 ** 9 ** 9", "log(0)", "0 - 1e-300"])
def test_a_constant_that_is_no_rate_is_refused_when_built(text):
    with pytest.raises(ValueError, match=r"^expression must give finite rates of at least 0, got"):
        Expression(expression=text)


ATTACKS = [
    "__import__('os').system('touch hacked')",
    "__import__",
    "().__class__.__bases__[0].__subclasses__()",
    "t.__class__",
    "t.tofile",
    "exp.__globals__",
    "t.t",
    "(1).real",
    "1..real",
    "exec(t)",
    "eval(t)",
    "open(t)",
    "print(t)",
    "breakpoint()",
    "globals()",
    "getattr(t, t)",
    "lambda: t",
    "lambda t: t",
    "(lambda: 1)()",
    "[t for t in (1, 2)]",
    "{t for t in (1, 2)}",
    "{t: t for t in (1, 2)}",
    "(t for t in (1, 2))",
    "[1, 2]",
    "(1, 2)",
    "()",
    "{}",
    "{1}",
    "t[0]",
    "t[t]",
    "t if t else 1",
    "t and 1",
    "t or 1",
    "not t",
    "t == 1",
    "t < 1",
    "t is t",
    "t in t",
    "t := 1",
    "(t := 1)",
    "t = 1",
    "t; t",
    "t\nt",
    "import os",
    "del t",
    "yield t",
    "(yield)",
    "await t",
    "assert t",
    "raise t",
    "return 1",
    "global t",
    "pass",
    "*t",
    "**t",
    "exp(*t)",
    "exp(**t)",
    "maximum(*t, 1)",
    "exp(x=t)",
    "exp(t, out=t)",
    "exp",
    "exp + 1",
    "exp()",
    "exp(1, 2)",
    "maximum(1)",
    "maximum(1, 2, 3)",
    "maximum((1, 2), 3)",
    "exp(1)(2)",
    "exp(exp)",
    "t(1)",
    "pi(1)",
    "1(2)",
    "(exp)(t)(t)",
    "'text'",
    '"text"',
    "b'x'",
    "f'{t}'",
    "'a' 'b'",
    "True",
    "False",
    "None",
    "...",
    "Ellipsis",
    "1j",
    "1 + 2j",
    "nan",
    "inf",
    "1e999",
    "1" + "0" * 400,
    "~t",
    "t @ t",
    "t << 1",
    "t >> 1",
    "t & 1",
    "t | 1",
    "t ^ 1",
    "t <> 1",
    "t ! 1",
    "t, t",
    "t,",
    "1 2",
    "t t",
    "2t",
    "2pi",
    "1if 1else 2",
    "1or 2",
    "1for t",
    "0x10",
    "0b1",
    "0o7",
    "007",
    "1__0",
    "1_",
    "1e",
    "1.2.3",
    "(",
    ")",
    "1) + (2",
    "",
    "   ",
    "\n",
    "#",
    "1 # comment",
    "\\",
    "1 \\\n + 1",
    "t\x00",
    "\x00",
    "\ufeff1",
    "\u0661",
    "t\u00b2",
    "\uff45\uff58\uff50(1)",
    "\u03c0",
    "1\u00a0+ 1",
    "\ud800",
    "(" * 50 + "1" + ")" * 51,
    "(" * 400 + "1" + ")" * 400,
    "-" * 900 + "1",
    "+" * 999 + "1",
    "2**" * 300 + "1",
    "1" + "+1" * 450,
    "exp(" * 190 + "1" + ")" * 190,
    "exp(" * 110 + "1" + ")" * 110,
    "1 " * 400,
    "1" * 1001,
    "9" * 100_000,
    " " * 1000 + "1",
]


@pytest.fixture(scope="module")
def watched():
    """What this process executes, imports or opens while it is told to watch."""
    events, watching = [], []

    def hook(event, arguments):
        if watching and event in {"exec", "import", "open", "os.system", "subprocess.Popen"}:
            events.append((event, arguments))

    sys.addaudithook(hook)  # for good, as there is no way to remove one
    return events, watching


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text[:40]))
def test_an_attack_is_refused_and_nothing_is_executed(text, watched):
    events, watching = watched
    refusal = None
    watching.append(True)
    try:
        Expression(expression=text)
    except ValueError as error:
        refusal = str(error)
    finally:
        watching.clear()
    assert events == []
    assert refusal is not None
    assert refusal.startswith("expression must ")
    assert len(refusal) < 400


def test_the_watch_sees_what_is_executed(watched):
    events, watching = watched
    watching.append(True)
    eval("1 + 1")
    watching.clear()
    assert [event for event, _ in events] == ["exec"]
    events.clear()


def test_what_is_refused_is_said():
    for text, message in [
        ("0.1 * x", r"^expression must use only t, total_steps, pi, e and abs, .*, got 'x'$"),
        ("t.x", r"^expression must hold only numbers, .* commas, got '.' in 't.x'$"),
        ("t, 1", r"^expression must be made of finite numbers, .* calls, got 't, 1'$"),
        ("1 + exp(1, t)", r"^expression must give exp 1 argument, got 'exp\(1, t\)'$"),
        ("maximum(1)", r"^expression must give maximum 2 arguments, got 'maximum\(1\)'$"),
        ("1 +", r"^expression must be a formula, got '1 \+': "),
        ("1" * 1001, r"^expression must have at most 1000 characters, got 1001$"),
        ("-" * 200 + "1", r"^expression must be nested at most 100 deep, got '---"),
    ]:
        with pytest.raises(ValueError, match=message):
            Expression(expression=text)


@pytest.mark.parametrize("text", [None, True, b"1", ["1"]])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TypeError, match=r"^expression must be a text or a number, got"):
        Expression(expression=text)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1, "0.1"), (1e-5, "1e-05"), (1, "1.0"), (0, "0.0"), (np.float64(0.5), "0.5")],
)
def test_a_number_is_its_text(number, text):
    schedule = Expression(expression=number)
    assert schedule == Expression(expression=text)
    assert type(schedule.expression) is str
    assert schedule(7) == number


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (math.nan, r"^expression must be finite, got nan$"),
        (10**400, r"^expression must be finite, got 1000"),
        (-0.1, r"^expression must give finite rates of at least 0, got -0.1 at step 0$"),
    ],
)
def test_a_number_that_is_no_rate_is_refused(number, message):
    with pytest.raises(ValueError, match=message):
        Expression(expression=number)


def outcome(text, steps):
    """The rates of a formula, or the words with which it is refused."""
    try:
        return Expression(expression=text).bind(H100)(steps)
    except ValueError as error:
        words = str(error)
    assert words.startswith("expression must ")
    return words


@given(st.text(max_size=30))
def test_any_text_is_a_schedule_or_refused_by_name(text):
    assert outcome(text, np.array([0])) is not None


PIECES = ["t", "total_steps", "pi", "2", "0.5", "3", "-1", "exp", "sqrt", "log", "maximum", "round"]
SIGNS = ["+", "-", "*", "/", "//", "%", "**", "(", ")", ",", " "]


@given(st.lists(st.sampled_from(PIECES + SIGNS), max_size=14).map("".join))
def test_any_formula_gives_the_array_s_bits_or_says_what_is_wrong(text):
    steps = np.array([0, 1, 2, 3, 17, 999, 10**6, 2**53])
    trace = outcome(text, steps)
    if isinstance(trace, str):
        return
    schedule = Expression(expression=text).bind(H100)
    assert [schedule(int(t)) for t in steps] == trace.tolist()
    assert np.isfinite(trace).all()
    assert (trace >= 0).all()


@pytest.mark.parametrize("exponent", ["0.5", "2", "-1", "(1 / 2)", "(t * 0 + 2)", "(-(1))"])
def test_powers_of_one_step_have_the_array_s_bits(exponent):
    # numpy computes these powers of a single element by another way than those of an array
    schedule = Expression(expression=f"(0.7 + t / 7919) ** {exponent}")
    t = np.arange(2000)
    assert [schedule(int(step)) for step in t] == schedule(t).tolist()


def test_a_huge_power_is_a_float_from_the_start():
    with pytest.raises(ValueError, match=r"got inf at step 0$"):
        Expression(expression="9 ** 9 ** 9 ** 9")
    assert Expression(expression="1 / (9 ** 99 ** 9)")(0) == 0.0


def test_it_pickles_and_is_parsed_once():
    schedule = Expression(expression="0.1 * 0.5 ** (t / 1000)")
    assert pickle.loads(pickle.dumps(schedule))(1000) == 0.05
    assert hash(schedule) == hash(replace(schedule))
