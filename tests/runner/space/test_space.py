"""Search spaces as data: every draw is valid, every valid list equally likely, nothing is lost."""

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.config.grammar import parse_space, parse_spec
from runner.errors import Mistake
from runner.space import Choice, Entry, Interval, Ordered, Space, Spec, text_of

BOUNDARIES = Ordered(2, Interval(10, 90, step=5, unit="%"))
FAMILIES = ["cosine", "exponential", "piecewise"]
SPACE = Space(
    [
        Entry("schedule.boundaries", BOUNDARIES, (("schedule", "piecewise"),)),
        Entry("lr", Interval(1e-4, 1e-1, log=True)),
        Entry("schedule.decay_rate", Interval(0.5, 0.99), (("schedule", "exponential"),)),
        Entry("schedule", Choice(FAMILIES)),
    ],
    frozenset({"schedule", "model"}),
)

SPECS: list[Spec] = [
    Interval(0.5, 0.99),
    Interval(1e-4, 1e-1, log=True),
    Interval(1, 9, integer=True),
    Interval(1, 512, log=True, integer=True),
    Interval(0, 1, step=0.3),
    Interval(10, 90, unit="%"),
    Interval(0.0005, 0.0009, unit="%"),
    Interval(1, 5, unit="ep", integer=True, step=2),
    Interval(100, 5000, unit="samples", log=True),
    Interval(-1e-05, 0),
    Choice([None, True, 3, 0.1, "cosine", "10%", "1", "a b", ["20%", 0.5]]),
    Choice(["", "it's", "a\\'b", "c\\", "'", "${lr}", "1e-3", "NaN", "x=(y, z)", "a \n b"]),
    BOUNDARIES,
    Ordered(3, Interval(1, 9, integer=True)),
    Ordered(3, Interval(10, 90, unit="%")),
    Ordered(3, Interval(0, 1)),
    Ordered(3, Interval(1e-4, 1e-1, log=True), decreasing=True),
    Ordered(2, Interval(0.001, 10, log=True, unit="%")),
    Ordered(3, Interval(0, 1, step=0.1), decreasing=True),
    Ordered(1, Interval(-3, 2)),
]


def random_study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))


def exists(choices: dict[str, str], key: str) -> bool:
    return True


def amounts(values: list[Any]) -> list[Fraction]:
    return [Fraction(str(v).rstrip("%")) for v in values]


# Ordered lists


def measure(spec: Ordered, values: list[Any]) -> Fraction:
    """How much of the inner numbers gives a list."""
    found, before = Fraction(1), None
    for left, amount in zip(range(spec.count, 0, -1), amounts(values), strict=True):
        low, high = spec._elements.preimage(before, left, amount)  # type: ignore[union-attr]
        found, before = found * (high - low), amount
    return found


def test_the_136_lists_of_two_boundaries_have_equal_measures() -> None:
    lists = BOUNDARIES.values()
    assert len(lists) == BOUNDARIES.size() == 136
    assert lists[0] == ["10%", "15%"]
    assert lists[-1] == ["85%", "90%"]
    for values in lists:
        assert measure(BOUNDARIES, values) == Fraction(1, 136)


def test_every_one_of_the_136_lists_is_reached_equally_often() -> None:
    axis = (np.arange(272) + 0.5) / 272
    reached: dict[tuple[Any, ...], int] = {}
    for numbers in itertools.product(axis, axis):
        values = tuple(BOUNDARIES.decode(numbers))
        reached[values] = reached.get(values, 0) + 1
    assert set(reached) == set(map(tuple, BOUNDARIES.values()))
    assert max(reached.values()) - min(reached.values()) < 0.1 * 272**2 / 136


@pytest.mark.parametrize("decreasing", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_lists_of_any_length_have_equal_measures(count: int, decreasing: bool) -> None:
    spec = Ordered(count, Interval(0, 0.6, step=0.1), decreasing=decreasing)
    lists = spec.values()
    assert len(lists) == math.comb(7, count)
    for values in lists:
        assert measure(spec, values) == Fraction(1, math.comb(7, count))


def test_the_lists_of_a_grid_are_counted_exactly_where_floats_cannot() -> None:
    spec = Ordered(12, Interval(0, 100, step=0.1, unit="%"))
    values = [f"{i}.5%" for i in range(80, 92)]
    assert spec.size() == math.comb(1001, 12)
    assert measure(spec, values) == Fraction(1, math.comb(1001, 12))
    assert spec.decode(spec.numbers(values) or []) == values


def test_real_lists_are_uniform_by_order_statistics() -> None:
    spec = Ordered(3, Interval(2, 6))
    numbers = np.random.default_rng(0).random((20_000, 3))
    drawn = np.array([spec.decode(row) for row in numbers])
    assert np.all(np.diff(drawn) > 0)
    theory = 2 + 4 * np.array([1, 2, 3]) / 4
    deviation = 4 * np.sqrt(np.array([3, 4, 3]) / (16 * 5))
    assert np.all(np.abs(drawn.mean(0) - theory) < 4 * deviation / np.sqrt(20_000))
    assert drawn.std(0) == pytest.approx(deviation, rel=0.02)


def test_real_decreasing_lists_are_uniform_in_the_logarithm() -> None:
    spec = Ordered(4, Interval(1e-4, 1e-1, log=True), decreasing=True)
    numbers = np.random.default_rng(1).random((20_000, 4))
    drawn = np.log10([spec.decode(row) for row in numbers])
    assert np.all(np.diff(drawn) < 0)
    theory = -4 + 3 * np.array([4, 3, 2, 1]) / 5
    deviation = 3 * np.sqrt(np.array([4, 6, 6, 4]) / (25 * 6))
    assert np.all(np.abs(drawn.mean(0) - theory) < 4 * deviation / np.sqrt(20_000))


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (Ordered(4, Interval(1e-4, 1, log=True), decreasing=True), [1.0, 0.5, 0.1, 0.01]),
        (Ordered(4, Interval(0, 1), decreasing=True), [0.1, 0.05, 1e-3, 1e-6]),
        (Ordered(3, Interval(0, 1)), [0.123456789, 0.2, 1.0]),
        (Ordered(2, Interval(0, 10_000)), [30.0, 31.0]),
        (Ordered(3, Interval(0, 100, unit="%")), ["97%", "98.125%", "100%"]),
        (Ordered(3, Interval(1, 10_000, integer=True)), [1, 2, 9_000]),
        (Ordered(2, Interval(1e-3, 10, log=True, unit="%")), ["0.001%", "0.002%"]),
    ],
)
def test_a_list_that_was_typed_is_drawn_exactly(spec: Ordered, values: list[Any]) -> None:
    assert spec.decode(spec.numbers(values) or []) == values


def test_the_extreme_numbers_give_the_extreme_lists() -> None:
    real, falling = Ordered(3, Interval(0, 1)), Ordered(3, Interval(0, 1), decreasing=True)
    assert BOUNDARIES.decode([1.0, 1.0]) == ["85%", "90%"]
    assert real.decode([0.0, 0.0, 0.0]) == [0.0, 1e-11, 2e-11]
    assert real.decode([1.0, 1.0, 1.0]) == [1 - 2e-11, 1 - 1e-11, 1.0]
    assert falling.decode([0.0, 0.0, 0.0]) == [2e-11, 1e-11, 0.0]
    assert falling.decode([1.0, 1.0, 1.0]) == [1.0, 1 - 1e-11, 1 - 2e-11]


@pytest.mark.parametrize(
    "values",
    [
        ["20%", "10%"],  # falls
        ["10%", "10%"],  # stays
        ["10%", "12%"],  # off the grid
        ["5%", "10%"],  # below
        ["10%"],  # too short
        ["1ep", "2ep"],  # another unit
        [10, 20],  # steps
        "10%",
        None,
    ],
)
def test_what_is_no_such_list_has_no_numbers(values: Any) -> None:
    assert BOUNDARIES.numbers(values) is None
    assert BOUNDARIES.encode(values, "key") is None


@settings(deadline=None)
@given(st.data())
def test_any_inner_numbers_give_a_valid_list_that_is_found_again(data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from([spec for spec in SPECS if isinstance(spec, Ordered)]))
    share = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1 - 2**-53])
    numbers = [data.draw(share) for _ in range(spec.count)]
    values = spec.decode(numbers)
    exact = amounts(values)
    rising = exact[::-1] if spec.decreasing else exact
    assert all(a < b for a, b in itertools.pairwise(rising))
    assert rising[0] >= Fraction(str(spec.interval.low))
    assert rising[-1] <= Fraction(str(spec.interval.high))
    again = spec.numbers(values)
    if again is not None:  # at the ends floats are too coarse for the last digits
        assert spec.decode(again) == values


@settings(deadline=None)
@given(st.data())
def test_inner_numbers_of_a_grid_are_always_found_again(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 200))
    count = data.draw(st.integers(1, min(size, 5)))
    spec = Ordered(count, Interval(0, size - 1, step=1), data.draw(st.booleans()))
    values = spec.decode([data.draw(st.floats(0, 1)) for _ in range(count)])
    assert spec.decode(spec.numbers(values) or []) == values


# Intervals and choices


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (Interval(1, 9, integer=True, step=3), [1, 4, 7]),
        (Interval(0, 1, step=0.3), [0.0, 0.3, 0.6, 0.9]),
        (Interval(0, 0.3, step=0.1), [0.0, 0.1, 0.2, 0.3]),
        (Interval(2.5, 5, step=1.25, unit="%"), ["2.5%", "3.75%", "5%"]),
        (Interval(1, 3, integer=True, unit="ep"), ["1ep", "2ep", "3ep"]),
        (Interval(1, 3, integer=True, log=True), [1, 2, 3]),
        (Choice([None, 1, ["10%", "20%"]]), [None, 1, ["10%", "20%"]]),
        (Ordered(2, Interval(1, 3, integer=True)), [[1, 2], [1, 3], [2, 3]]),
        (Ordered(2, Interval(1, 3, integer=True), True), [[3, 2], [3, 1], [2, 1]]),
    ],
)
def test_a_finite_spec_lists_its_values_in_order(spec: Spec, values: list[Any]) -> None:
    assert spec.values() == values
    assert [type(v) for v in spec.values()] == [type(v) for v in values]
    assert spec.size() == len(values)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (Interval(0, 1), "interval(0, 1) is continuous; give it a step"),
        (Interval(10, 90, unit="%"), "interval(10%, 90%) is continuous; give it a step"),
        (
            Interval(1e-4, 1, log=True),
            "tag(log, interval(0.0001, 1)) is continuous; list its values instead",
        ),
        (Ordered(2, Interval(0, 1)), "ordered(2, interval(0, 1)) is continuous; give it a step"),
    ],
)
def test_a_continuous_spec_has_no_list_of_values(spec: Spec, words: str) -> None:
    assert spec.size() is None
    with pytest.raises(ValueError) as caught:  # noqa: PT011 its whole text follows
        spec.values()
    assert str(caught.value) == f"must be finite for study/sampler=grid: {words}"


@pytest.mark.parametrize(
    ("spec", "value", "inner"),
    [
        (Interval(0, 1), 0.5, {"key": 0.5}),
        (Interval(0, 1), 1, {"key": 1.0}),
        (Interval(0, 1), 1.5, None),
        (Interval(0, 1), True, None),
        (Interval(0, 1), math.nan, None),
        (Interval(0, 1), "0.5", None),
        (Interval(0, 1), None, None),
        (Interval(0, 1, step=0.1), 0.3, {"key": 0.3}),
        (Interval(0, 1, step=0.1), 0.35, None),
        (Interval(1, 9, integer=True), 3, {"key": 3}),
        (Interval(1, 9, integer=True), 3.5, None),
        (Interval(10, 90, unit="%"), "12.5%", {"key": 12.5}),
        (Interval(10, 90, unit="%"), "33.3333%", None),
        (Interval(10, 90, unit="%"), "2ep", None),
        (Choice([1, "a", None]), None, {"key": "null"}),
        (Choice([1, "a", True]), True, {"key": "true"}),
        (Choice([0.5, 1.0]), 1, {"key": "1.0"}),
        (Choice([1, "a"]), True, None),
        (Choice([["10%", 2]]), ["10%", 2], {"key": "[10%, 2]"}),
        (Choice([1]), {"a": 1}, None),
    ],
)
def test_a_value_has_inner_parameters_or_none(spec: Spec, value: Any, inner: Any) -> None:
    assert spec.encode(value, "key") == inner


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.text())
def test_what_optuna_draws_is_valid_and_is_found_again(spec: Spec) -> None:
    study = random_study()
    for _ in range(50):
        value = spec.suggest(study.ask(), "key")
        encoded = spec.encode(value, "key")
        assert encoded is not None
        study.enqueue_trial(encoded)
        again = spec.suggest(study.ask(), "key")
        assert (again, type(again)) == (value, type(value))
        if spec.size() is not None:
            assert value in spec.values()


def test_options_keep_their_types_and_optuna_stores_their_text() -> None:
    study = random_study()
    spec = Choice([1, 2.0, ["10%", "20%"], None])
    trials = [study.ask() for _ in range(30)]
    drawn = [spec.suggest(trial, "key") for trial in trials]
    assert {type(value) for value in drawn} == {int, float, list, type(None)}
    assert {trial.params["key"] for trial in trials} == {"1", "2.0", "[10%, 20%]", "null"}


@pytest.mark.parametrize(
    ("spec", "middle"),
    [
        (Interval(1e-4, 1e-1, log=True), 10**-2.5),
        (Interval(0.0, 1.0), 0.5),
        (Interval(1, 10_000, log=True, integer=True), 100),
        (Interval(0, 1000, step=10), 500),
    ],
)
def test_half_of_the_draws_lie_below_the_middle(spec: Interval, middle: float) -> None:
    study = random_study()
    drawn = np.array([spec.suggest(study.ask(), "x") for _ in range(1000)])
    below = (drawn < middle).sum() + (drawn == middle).sum() / 2
    assert abs(below - 500) < 4 * math.sqrt(1000) / 2


def test_a_share_is_drawn_to_three_decimals_and_stays_inside() -> None:
    trial = optuna.trial.FixedTrial({"a": 12.3456789, "b": 0.00057, "c": 89.9999})
    assert Interval(10, 90, unit="%").suggest(trial, "a") == "12.346%"
    assert Interval(0.0005, 0.0006, unit="%").suggest(trial, "b") == "0.0006%"
    assert Interval(10, 89.9999, unit="%").suggest(trial, "c") == "89.9999%"


# Texts


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.text())
def test_the_text_of_a_spec_gives_it_again(spec: Spec) -> None:
    again = parse_spec("key", spec.text())
    assert again == spec
    assert again.text() == spec.text()


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PLAIN | st.lists(PLAIN, max_size=3), min_size=1, max_size=4))
def test_any_option_keeps_its_value_and_type_in_the_text(options: list[Any]) -> None:
    try:
        spec = Choice(options)
    except ValueError:  # the same twice
        return
    again = parse_spec("key", spec.text())
    assert isinstance(again, Choice)
    assert again.values() == options
    assert [text_of(o) for o in again.options] == [text_of(o) for o in spec.options]


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(deadline=None)
@given(numbers, numbers, st.booleans(), st.sampled_from(["", "%", "ep", "samples"]))
def test_any_interval_is_read_from_its_text(a: float, b: float, log: bool, unit: str) -> None:
    low, high = sorted([a, b])
    if low == high or (log and low <= 0):
        return
    spec = Interval(low, high, log=log, unit=unit)
    assert parse_spec("key", spec.text()) == spec


# Spaces


def test_a_space_has_one_order_and_one_text_however_it_was_written() -> None:
    other = Space(SPACE.entries[::-1], frozenset({"schedule"}))
    assert other == SPACE
    assert hash(other) == hash(SPACE)
    assert other.text() == SPACE.text()
    assert parse_space(SPACE.text()) == SPACE
    assert SPACE.text() == {
        "groups": ["schedule"],
        "entries": [
            {"key": "schedule", "spec": "choice(cosine, exponential, piecewise)"},
            {"key": "lr", "spec": "tag(log, interval(0.0001, 0.1))"},
            {
                "key": "schedule.boundaries",
                "spec": "ordered(2, interval(10%, 90%), step=5%)",
                "when": {"schedule": "piecewise"},
            },
            {
                "key": "schedule.decay_rate",
                "spec": "interval(0.5, 0.99)",
                "when": {"schedule": "exponential"},
            },
        ],
    }


def test_a_draw_has_the_keys_that_its_choices_have() -> None:
    study = random_study()
    own = {
        "cosine": ["schedule", "lr"],
        "exponential": ["schedule", "lr", "schedule.decay_rate"],
        "piecewise": ["schedule", "lr", "schedule.boundaries"],
    }
    seen = set()
    for _ in range(40):
        values = SPACE.suggest(trial := study.ask(), exists)
        assert list(values) == own[values["schedule"]]
        encoded = SPACE.encode(values)
        assert encoded is not None
        assert list(encoded) == list(trial.params)
        study.enqueue_trial(encoded)
        assert SPACE.suggest(study.ask(), exists) == values
        seen.add(values["schedule"])
    assert seen == set(FAMILIES)


def test_a_key_that_does_not_exist_is_not_drawn() -> None:
    asked: list[tuple[dict[str, str], str]] = []

    def applies(choices: dict[str, str], key: str) -> bool:
        asked.append((choices, key))
        return key != "lr"

    trial = optuna.trial.FixedTrial({"schedule": "exponential", "schedule.decay_rate": 0.9})
    assert SPACE.suggest(trial, applies) == {"schedule": "exponential", "schedule.decay_rate": 0.9}
    assert asked == [
        ({"schedule": "exponential"}, "lr"),
        ({"schedule": "exponential"}, "schedule.decay_rate"),
    ]


@pytest.mark.parametrize(
    ("values", "inner"),
    [
        ({"schedule": "cosine", "lr": 1e-3, "seed": 4}, {"schedule": "cosine", "lr": 1e-3}),
        ({"schedule": "cosine", "schedule.decay_rate": 7}, {"schedule": "cosine"}),
        ({"schedule": "exponential", "schedule.decay_rate": 7}, None),
        ({"schedule": "wsd"}, None),
        ({"lr": 1e-3}, None),
    ],
)
def test_a_baseline_has_inner_parameters_or_lies_outside(values: Any, inner: Any) -> None:
    assert SPACE.encode(values) == inner


def test_a_finite_space_is_listed_in_order() -> None:
    space = Space(
        [
            Entry("seed", Choice([0, 1])),
            Entry("schedule", Choice(["cosine", "piecewise"])),
            Entry(
                "schedule.boundaries",
                Ordered(2, Interval(1, 3, integer=True)),
                (("schedule", "piecewise"),),
            ),
        ],
        frozenset({"schedule"}),
    )
    assert space.all(exists) == [
        {"schedule": "cosine", "seed": 0},
        {"schedule": "cosine", "seed": 1},
        {"schedule": "piecewise", "schedule.boundaries": [1, 2], "seed": 0},
        {"schedule": "piecewise", "schedule.boundaries": [1, 2], "seed": 1},
        {"schedule": "piecewise", "schedule.boundaries": [1, 3], "seed": 0},
        {"schedule": "piecewise", "schedule.boundaries": [1, 3], "seed": 1},
        {"schedule": "piecewise", "schedule.boundaries": [2, 3], "seed": 0},
        {"schedule": "piecewise", "schedule.boundaries": [2, 3], "seed": 1},
    ]
    assert space.all(lambda choices, key: key == "seed") == [
        {"schedule": family, "seed": seed} for family in ("cosine", "piecewise") for seed in (0, 1)
    ]
    assert Space([]).all(exists) == [{}]


def test_a_continuous_key_stops_the_list_only_where_it_exists() -> None:
    with pytest.raises(Mistake) as caught:
        SPACE.all(exists)
    assert str(caught.value) == (
        "lr must be finite for study/sampler=grid: tag(log, interval(0.0001, 0.1)) is continuous; "
        "list its values instead"
    )
    assert SPACE.all(lambda choices, key: False) == [{"schedule": f} for f in FAMILIES]


def test_the_same_key_under_two_options_has_two_names_in_optuna() -> None:
    space = Space(
        [
            Entry("schedule", Choice(["step", "piecewise"])),
            Entry("schedule.after", Choice(["hold", "error"]), (("schedule", "step"),)),
            Entry(
                "schedule.after",
                Ordered(2, Interval(1, 9, integer=True)),
                (("schedule", "piecewise"),),
            ),
        ],
        frozenset({"schedule"}),
    )
    drawn = space.encode({"schedule": "step", "schedule.after": "hold"})
    assert drawn == {"schedule": "step", "schedule.after (schedule=step)": "hold"}
    listed = space.encode({"schedule": "piecewise", "schedule.after": [1, 2]})
    assert list(listed or {}) == [
        "schedule",
        "schedule.after (schedule=piecewise)[0]",
        "schedule.after (schedule=piecewise)[1]",
    ]
    for name in [*(drawn or {}), *(listed or {})]:
        assert space.rename(name) == name.partition(" ")[0]
    with pytest.raises(KeyError, match="lr"):
        space.rename("lr")


def test_groups_may_depend_on_groups() -> None:
    space = Space(
        [
            Entry(
                "clipping/max_norm_schedule", Choice(["none", "linear"]), (("clipping", "norm"),)
            ),
            Entry("clipping", Choice(["none", "norm"])),
            Entry("aaa", Choice(["x"]), (("clipping/max_norm_schedule", "linear"),)),
        ],
        frozenset({"clipping", "clipping/max_norm_schedule", "aaa"}),
    )
    assert space.combinations() == [
        {"clipping": "none"},
        {"clipping": "norm", "clipping/max_norm_schedule": "none"},
        {"clipping": "norm", "clipping/max_norm_schedule": "linear", "aaa": "x"},
    ]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (
            [Entry("lr", Choice([1])), Entry("lr", Choice([2]), (("model", "mlp"),))],
            "lr must be searched once in a trial, got choice(1) and choice(2)",
        ),
        (
            [Entry("lr", Choice([1]), (("schedule", "cosine"),))],
            "schedule must be searched for lr at schedule=cosine",
        ),
        (
            [
                Entry("model", Choice(["cnn"]), (("dataset", "mnist"),)),
                Entry("dataset", Choice(["mnist"]), (("model", "cnn"),)),
            ],
            "dataset must not depend on itself",
        ),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(entries: list[Entry], words: str) -> None:
    groups = [Entry("model", Choice(["mlp"]))] if entries[0].key == "lr" else []
    with pytest.raises(Mistake) as caught:
        Space([*entries, *groups], frozenset({"model", "dataset"}))
    assert str(caught.value) == words


def test_importing_the_space_does_not_import_optuna() -> None:
    import subprocess
    import sys

    code = "import sys, runner.space; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
