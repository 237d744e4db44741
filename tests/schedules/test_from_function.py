"""Any function as a schedule: how it is called, and what is refused."""

import functools
import math
import pickle
import sys
from fractions import Fraction

import numpy as np
import pytest

import schedules
from schedules import FromFunction, FromTorch, Horizon, Product, Warmup
from schedules._callables import Arguments
from schedules.from_function import linear

H100 = Horizon(total_steps=100, steps_per_epoch=10)

MINE = """
def broken(t):
    return {}[t]

def stubborn(t):
    raise ValueError("kaboom")

import numpy as np

CALLS = []

def rate(t, lr=0.1, power=1.0):
    CALLS.append(t)
    return lr / (1 + t) ** power

def share(t, total_steps):
    return t / total_steps

def keyword_share(t, *, total_steps, peak=1.0):
    return peak * t / total_steps

def anything(t, **more):
    return sum(more.values())

def echo(t, what):
    return what(t) if callable(what) else RESULTS[what]

def shown(t, **more):
    SHOWN.append(more)
    return 1.0

def steps(t):
    SHOWN.append((type(t), getattr(t, "dtype", None)))
    return np.ones(t.shape) if isinstance(t, np.ndarray) else 1.0

def spoils(t):
    t[:] = -1
    return np.ones(t.shape)

class Holder:
    @staticmethod
    def rate(t):
        return 0.5

    class Inner:
        @staticmethod
        def rate(t):
            return 0.25

SHOWN = []
RESULTS = {}
NUMBER = 3
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of a person's own, on the path."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("mine", None)
    import mine

    yield mine
    del sys.modules["mine"]


def test_a_function_by_its_path(mine):
    schedule = FromFunction(function="mine.rate")
    assert schedule(3) == 0.025
    assert schedule(np.array([[0, 1], [3, 4]])).tolist() == [[0.1, 0.05], [0.025, 0.02]]
    assert set(map(type, mine.CALLS)) == {int}


def test_its_further_arguments(mine):
    schedule = FromFunction(function="mine.rate", arguments={"power": 2, "lr": 0.4})
    assert schedule(1) == 0.1
    assert FromFunction(function="mine.anything", arguments={"a": 1, "b": 2.5})(0) == 3.5


def test_arguments_arrive_as_plain_values(mine):
    given = {"l": [1, [2, 3]], "m": {"n": {"o": None}}, "x": "y", "b": True, "f": np.float64(0.5)}
    FromFunction(function="mine.shown", arguments=given)(0)
    (seen,) = mine.SHOWN
    assert seen == {"l": [1, [2, 3]], "m": {"n": {"o": None}}, "x": "y", "b": True, "f": 0.5}
    assert type(seen["m"]) is dict
    assert type(seen["m"]["n"]) is dict
    assert type(seen["f"]) is float


def test_total_steps_comes_where_the_function_wants_it(mine):
    for name in ("share", "keyword_share"):
        schedule = FromFunction(function=f"mine.{name}")
        assert schedule.total_steps == "100%"
        assert schedule.bind(H100)(25) == 0.25
        assert FromFunction(function=f"mine.{name}", total_steps="5ep").bind(H100)(25) == 0.5
        of_its_own = FromFunction(function=f"mine.{name}", arguments={"total_steps": 10})
        assert of_its_own.total_steps is None
        assert of_its_own(5) == 0.5
    assert FromFunction(function="mine.rate").total_steps is None
    assert FromFunction(function="mine.anything", arguments={"a": 1}).total_steps is None
    assert FromFunction(function="mine.anything", total_steps=7)(0) == 7.0


def test_lr_comes_where_the_function_wants_it(mine):
    assert FromFunction(function="mine.rate", lr=0.4)(3) == 0.1
    assert FromFunction(function="mine.rate", lr=0.4, arguments={"power": 2})(1) == 0.1
    assert FromFunction(function="mine.rate")(3) == 0.025
    assert FromFunction(function="mine.share", lr=0.4, total_steps=4)(1) == 0.25
    assert FromFunction(function="mine.anything", lr=0.4, arguments={"a": 1})(0) == 1.0
    assert FromFunction(function="math.sqrt", lr=0.4)(4) == 2.0
    assert FromFunction(function=linear, lr=0.1).bind(H100)(50) == 0.05
    assert FromFunction(function=linear, lr=1) == FromFunction(function=linear, lr=1.0)


def test_all_steps_at_once(mine):
    FromFunction(function="mine.steps", vectorized=True)(4)
    FromFunction(function="mine.steps")(4)
    seen = mine.SHOWN
    assert seen == [(np.ndarray, np.int64), (int, None)]
    t = np.arange(5)
    assert FromFunction(function="mine.spoils", vectorized=True)(t).tolist() == [1.0] * 5
    assert t.tolist() == [0, 1, 2, 3, 4]
    assert FromFunction(function="mine.rate", vectorized=True)(t).tolist() == [
        0.1 / n for n in (1, 2, 3, 4, 5)
    ]


def test_a_function_itself_is_kept_as_its_path(mine):
    for function, path in [
        (mine.rate, "mine.rate"),
        (mine.Holder.rate, "mine.Holder.rate"),
        (mine.Holder.Inner.rate, "mine.Holder.Inner.rate"),
        (linear, "schedules.from_function.linear"),
    ]:
        arguments = {"lr": 0.1} if function is linear else None
        schedule = FromFunction(function=function, arguments=arguments)
        assert schedule.function == path
        assert schedule == FromFunction(function=path, arguments=arguments)
        copies = [pickle.loads(pickle.dumps(schedule)), eval(repr(schedule), vars(schedules))]
        assert copies == [schedule, schedule]
        assert {hash(copy) for copy in copies} == {hash(schedule)}
    assert FromFunction(function="mine.Holder.Inner.rate")(0) == 0.25


def test_it_compares_by_its_arguments_and_not_by_their_order(mine):
    one = FromFunction(function="mine.anything", arguments={"a": 1, "b": [2, {"c": 3}]})
    two = FromFunction(function="mine.anything", arguments={"b": (2, {"c": 3}), "a": 1})
    assert one == two
    assert hash(one) == hash(two)
    assert repr(one) == repr(two)
    assert "arguments={'a': 1, 'b': (2, {'c': 3})}" in repr(one)
    assert one != FromFunction(function="mine.anything", arguments={"a": 2, "b": [2, {"c": 3}]})
    assert eval(repr(one), vars(schedules)) == one
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(
    ("one", "two"),
    [(1, True), (1, 1.0), (0, False), (0.0, -0.0), ([1, [2]], [1, [2.0]]), ({"a": 1}, {"a": True})],
)
def test_arguments_of_another_type_are_others(mine, one, two):
    assert Arguments({"lr": one}, "arguments") != Arguments({"lr": two}, "arguments")
    schedules_of = [FromFunction(function="mine.shown", arguments={"x": x}) for x in (one, two)]
    assert schedules_of[0] != schedules_of[1]
    assert schedules_of[0] == FromFunction(function="mine.shown", arguments={"x": one})


def test_arguments_compare_with_a_dictionary():
    assert Arguments({"a": 1, "b": [2]}, "arguments") == {"a": 1, "b": (2,)}
    assert Arguments({"a": 1}, "arguments") != {"a": 2}
    assert Arguments({}, "arguments") != None  # noqa: E711


def test_after_its_end_the_function_is_not_called_again(mine):
    held = FromFunction(function="mine.rate", after="hold", end_steps=4)
    assert held(np.array([3, 4, 5, 100])).tolist() == [0.025, 0.02, 0.02, 0.02]
    assert max(mine.CALLS) == 4
    with pytest.raises(ValueError, match=r"^after must be 'hold' or 'continue' .* step 5$"):
        FromFunction(function="mine.rate", after="error", end_steps=4)(5)


def test_a_function_that_changed_is_called_as_it_is_now(mine, monkeypatch):
    schedule = FromFunction(function="mine.rate")
    monkeypatch.setattr(mine, "rate", lambda t, lr=0.1, power=1.0: 0.7)
    assert schedule(0) == 0.7


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (-0.5, r"^function must give finite rates of at least 0, got -0.5 at step 2$"),
        (math.nan, r"^function must give finite rates of at least 0, got nan at step 2$"),
        (math.inf, r"^function must give finite rates of at least 0, got inf at step 2$"),
        (10**400, r"^function must give finite rates of at least 0, got inf at step 2$"),
        ("0.1", r"^function must give numbers, got '0.1' at step 2$"),
        (None, r"^function must give numbers, got None at step 2$"),
        (True, r"^function must give numbers, got True at step 2$"),
        (1j, r"^function must give numbers, got 1j at step 2$"),
        (np.array([0.1]), r"^function must give numbers, got array"),
    ],
)
def test_a_result_that_is_no_rate_is_refused(mine, result, message):
    mine.RESULTS["x"] = result
    schedule = FromFunction(function="mine.echo", arguments={"what": "x"})
    with pytest.raises(ValueError, match=message):
        schedule(2)


@pytest.mark.parametrize("result", [1, 0, 0.5, Fraction(1, 2), np.float32(0.5), np.int8(1)])
def test_every_real_number_is_a_rate(mine, result):
    mine.RESULTS["x"] = result
    rate = FromFunction(function="mine.echo", arguments={"what": "x"})(2)
    assert type(rate) is float
    assert rate == result


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (0.5, r"^function must give a rate for each of 3 steps, got float64 of shape \(\)$"),
        (np.ones(2), r"^function must give a rate for each of 3 steps, .* shape \(2,\)$"),
        (np.ones((3, 1)), r"^function must give a rate for each of 3 steps, .* \(3, 1\)$"),
        (np.array([True] * 3), r"^function must give a rate for each of 3 steps, got bool"),
        (np.array(["a"] * 3), r"^function must give a rate for each of 3 steps, got <U1"),
        (np.array([1j] * 3), r"^function must give a rate for each of 3 steps, got complex"),
        (None, r"^function must give a rate for each of 3 steps, got object"),
        (np.array([1, math.nan, 1]), r"^function must give finite rates .* got nan at step 11$"),
        (np.array([1, 1, -1]), r"^function must give finite rates .* got -1.0 at step 12$"),
    ],
)
def test_an_array_that_gives_no_rates_is_refused(mine, result, message):
    mine.RESULTS["x"] = result
    schedule = FromFunction(function="mine.echo", arguments={"what": "x"}, vectorized=True)
    with pytest.raises(ValueError, match=message):
        schedule(np.array([10, 11, 12]))


def test_the_error_of_a_function_is_the_cause_and_the_part_is_named(mine, monkeypatch):
    def fails(t):
        raise KeyError("why")

    monkeypatch.setattr(mine, "share", fails)
    share = FromFunction(function="mine.share")
    for schedule, where in (
        (share, ""),
        (Warmup(schedule=share, steps=5), r"schedule\."),
        (Product(schedules=(share,)), r"schedules\[0\]\."),
    ):
        line = rf"^{where}function mine.share must give rates, but raised KeyError at step 0: 'why'"
        with pytest.raises(ValueError, match=line) as raised:
            schedule(0)
        error = raised.value
        while error.__cause__ is not None:
            error = error.__cause__
        assert isinstance(error, KeyError)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.rate", r"^function must lead to a callable, got 'nowhere.rate': No module named"),
        ("mine.nope", r"^function must lead to a callable, got 'mine.nope': module 'mine' has no"),
        ("mine.nope.rate", r"^function must lead to a callable, got 'mine.nope.rate': module"),
        ("mine.rate.nope", r"^function must lead to a callable, got .* has no attribute 'nope'$"),
        ("mine.NUMBER", r"^function must lead to a callable, got 'mine.NUMBER', which is 3$"),
        ("broken.rate", r"^function must lead to a callable, got 'broken.rate': No .* 'absent'$"),
        ("rate", r"^function must be a dotted path such as 'package.name', got 'rate'$"),
        ("", r"^function must be a dotted path .* got ''$"),
        (".rate", r"^function must be a dotted path .* got '.rate'$"),
        ("mine..rate", r"^function must be a dotted path .* got 'mine..rate'$"),
        ("mine.rate()", r"^function must be a dotted path .* got 'mine.rate\(\)'$"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(mine, tmp_path, path, message):
    (tmp_path / "broken.py").write_text("import absent\n")
    with pytest.raises(ValueError, match=message):
        FromFunction(function=path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def rate(t:\n    pass\n", r"SyntaxError in {file}, line 1: .+"),
        ("import math\n\nX = 1 / 0\n", r"ZeroDivisionError in {file}, line 3: division by zero"),
        ("def f():\n    return NOPE\nf()\n", r"NameError in {file}, line 3: name 'NOPE' is not .*"),
        ("import json\njson.loads('x')\n", r"JSONDecodeError in {file}, line 2: Expecting value.*"),
        ("raise ValueError('one\\ntwo')\n", r"ValueError in {file}, line 1: one two"),
        ("raise SystemExit(3)\n", r"SystemExit in {file}, line 1: 3"),
        ("import deeper_still\n", r"RuntimeError in {deeper}, line 2: why"),
    ],
)
@pytest.mark.parametrize(("kind", "name"), [(FromFunction, "function"), (FromTorch, "scheduler")])
def test_a_module_that_fails_on_import_is_an_error_of_one_line(
    tmp_path, monkeypatch, kind, name, text, message
):
    (tmp_path / "failing.py").write_text(text)
    (tmp_path / "deeper_still.py").write_text("\nraise RuntimeError('why')\n")
    monkeypatch.syspath_prepend(tmp_path)
    lr = {"lr": 0.1} if kind is FromTorch else {}
    place = {"file": tmp_path / "failing.py", "deeper": tmp_path / "deeper_still.py"}
    expected = rf"^{name} must lead to a callable, got 'failing.rate': {message.format(**place)}$"
    with pytest.raises(ValueError, match=expected) as caught:
        kind(**{name: "failing.rate"}, **lr)
    assert "\n" not in str(caught.value)
    assert "failing" not in sys.modules


def test_ctrl_c_while_a_module_is_imported_is_no_mistake_of_the_path(tmp_path, monkeypatch):
    (tmp_path / "interrupted.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        FromFunction(function="interrupted.rate")


def test_a_callable_that_cannot_be_found_again_is_refused(mine):
    def local(t):
        return 0.1

    class Callable:
        def __call__(self, t):
            return 0.1

    for function in (lambda t: 0.1, local, Callable(), functools.partial(linear, lr=0.1)):
        with pytest.raises(ValueError, match=r"^function must be found by its module and name"):
            FromFunction(function=function)
    mine.rate = lambda t: 0.1
    with pytest.raises(ValueError, match=r"^function must be found by its module and name"):
        FromFunction(function=mine.rate)


@pytest.mark.parametrize("function", [None, 3, b"mine.rate", ["mine.rate"]])
def test_what_is_neither_path_nor_callable_is_refused(function):
    with pytest.raises(TypeError, match=r"^function must be a dotted path or a callable, got"):
        FromFunction(function=function)


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        (
            "rate",
            {"arguments": {"nope": 1}},
            r"^arguments must fit mine.rate\(t, lr=0.1, .* 'nope'",
        ),
        ("rate", {"arguments": {"t": 1}}, r"^arguments must fit mine.rate\(.* 't'$"),
        ("echo", {}, r"^arguments must fit mine.echo\(t, what\), got \{\}: missing .* 'what'$"),
        ("rate", {"total_steps": 5}, r"^arguments must fit mine.rate.*'total_steps'$"),
        (
            "share",
            {"arguments": {"total_steps": 5}, "total_steps": 5},
            r"^total_steps must be null beside one among the arguments, got 5$",
        ),
        (
            "rate",
            {"arguments": {"lr": 0.5}, "lr": 0.1},
            r"^lr must be null beside one among the arguments, got 0.1$",
        ),
        ("rate", {"lr": -1}, r"^lr must be at least 0, got -1$"),
        ("rate", {"lr": "0.1"}, r"^lr must be a number, got '0.1'$"),
        ("share", {"total_steps": 0}, r"^total_steps must be at least 1 step, got 0$"),
        ("rate", {"vectorized": 1}, r"^vectorized must be true or false, got 1$"),
        ("rate", {"arguments": {"lr": math.nan}}, r"^arguments\['lr'\] must be finite, got nan$"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(mine, name, more, message):
    with pytest.raises((ValueError, TypeError), match=message):
        FromFunction(function=f"mine.{name}", **more)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([1], r"^arguments must be a mapping of names to values, got \[1\]$"),
        ("lr", r"^arguments must be a mapping of names to values, got 'lr'$"),
        ({1: 2}, r"^arguments must have texts for names, got 1$"),
        ({"lr": {"a": [object]}}, r"^arguments\['lr'\]\['a'\]\[0\] must be a number, a text, null"),
        ({"lr": b"x"}, r"^arguments\['lr'\] must be a number, a text, null, a list or a mapping"),
        ({"lr": np.ones(2)}, r"^arguments\['lr'\] must be a number, a text, null, a list or"),
    ],
)
def test_arguments_that_cannot_be_kept_are_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        FromFunction(function=linear, arguments=arguments)


def test_a_function_without_a_signature_takes_what_is_given():
    schedule = FromFunction(
        function="numpy.full_like",
        arguments={"fill_value": 0.1, "dtype": "float64"},
        vectorized=True,
    )
    assert schedule(np.arange(3)).tolist() == [0.1] * 3
    assert FromFunction(function="numpy.sqrt", vectorized=True)(np.array([4, 9])).tolist() == [2, 3]
    assert FromFunction(function="math.sqrt")(np.array([4, 9])).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("name", "said"),
    [("broken", "KeyError at step 3: 3"), ("stubborn", "ValueError at step 3: kaboom")],
)
def test_what_a_function_raises_is_one_line_that_names_it(mine, name, said):
    schedule = FromFunction(function=f"mine.{name}")
    line = rf"^function mine.{name} must give rates, but raised {said} \(\S+\.py:\d+\)$"
    with pytest.raises(ValueError, match=line):
        schedule(3)
