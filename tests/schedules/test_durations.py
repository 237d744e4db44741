import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules import Exponential, Horizon, PiecewiseConstant, Polynomial, steps_of
from schedules.durations import increasing_steps_of

HORIZON = Horizon(total_steps=1000, steps_per_epoch=125)
SAMPLES = Horizon(total_steps=1000, steps_per_epoch=125, samples_per_epoch=3990)  # batches of 32


@pytest.mark.parametrize(
    ("duration", "steps"),
    [
        (0, 0),
        (7, 7),
        (5000, 5000),
        ("2ep", 250),
        ("0.5ep", 63),  # 62.5: halves up
        ("1.5ep", 188),  # 187.5
        ("0.004ep", 1),  # 0.5
        ("0.0039ep", 0),
        ("10%", 100),
        ("100%", 1000),
        ("150%", 1500),
        ("0.05%", 1),
        ("0.04%", 0),
        (".25%", 3),  # 2.5
        ("33.3%", 333),
    ],
)
def test_a_duration_in_steps(duration, steps):
    assert steps_of(duration, HORIZON) == steps


@given(
    digits=st.integers(0, 10**7),
    places=st.integers(0, 5),
    total=st.integers(1, 10**9),
    per_epoch=st.integers(1, 10**6),
    unit=st.sampled_from(["ep", "%"]),
)
def test_rounding_is_exact_to_the_nearest_and_halves_up(digits, places, total, per_epoch, unit):
    text = f"{digits // 10**places}.{digits % 10**places:0{places}d}" if places else str(digits)
    share = Fraction(total, 100) if unit == "%" else per_epoch
    exact = Fraction(digits, 10**places) * share
    steps = steps_of(text + unit, Horizon(total, per_epoch))
    assert steps == math.floor(exact + Fraction(1, 2))
    assert -Fraction(1, 2) < steps - exact <= Fraction(1, 2)


def test_a_share_has_no_floating_point_error():
    # 0.29 * 100 is 28.999999999999996 and 1.1 * 15 is 16.500000000000004 in binary.
    assert steps_of("0.29%", Horizon(10_000, 1)) == 29
    assert steps_of("110%", Horizon(15, 1)) == 17
    assert steps_of("14.5%", Horizon(100, 1)) == 15


@pytest.mark.parametrize(
    ("duration", "error", "message"),
    [
        (-1, ValueError, "^steps must not be negative, got -1$"),
        ("-5%", ValueError, "^steps must not be negative, got '-5%'$"),
        (0, ValueError, "^steps must be at least 1 step, got 0$"),
        ("0%", ValueError, "^steps must be greater than 0, got '0%'$"),
        ("0.0ep", ValueError, "^steps must be greater than 0, got '0.0ep'$"),
        ("0.04%", ValueError, "^steps must be at least 1 step, got '0.04%' = 0 of 1000 steps$"),
        (
            "0.001ep",
            ValueError,
            "^steps must be at least 1 step, got '0.001ep' = 0 steps at 125 steps per epoch$",
        ),
        (2**53 + 1, ValueError, r"^steps must be at most 2\*\*53 steps"),
        ("9" * 20 + "%", ValueError, r"^steps must be at most 2\*\*53 steps"),
        (
            "nan%",
            ValueError,
            r"^steps must be steps \(an int\), epochs \('2ep'\), a share of the run \('10%'\) "
            r"or samples \('5000samples'\), got 'nan%'$",
        ),
        ("nansamples", ValueError, "^steps must be steps"),
        ("5000 samples", ValueError, "^steps must be steps"),
        ("1sample", ValueError, "^steps must be steps"),
        ("-5samples", ValueError, "^steps must not be negative, got '-5samples'$"),
        ("0samples", ValueError, "^steps must be greater than 0, got '0samples'$"),
        (
            "5000samples",
            ValueError,
            "^steps in samples needs a horizon with samples_per_epoch, got '5000samples'$",
        ),
        ("inf%", ValueError, "^steps must be"),
        ("1e9%", ValueError, "^steps must be"),
        ("10", ValueError, "^steps must be"),
        ("", ValueError, "^steps must be"),
        ("%", ValueError, "^steps must be"),
        ("ep", ValueError, "^steps must be"),
        ("1/3%", ValueError, "^steps must be"),
        ("٣%", ValueError, "^steps must be"),
        ("1" * 5000 + "%", ValueError, "^steps must be"),
        (True, TypeError, "^steps must be steps .* got True$"),
        (1.0, TypeError, "^steps must be steps .* got 1.0$"),
        (None, TypeError, "^steps must be steps .* got None$"),
        (["1%"], TypeError, "^steps must be"),
    ],
)
def test_what_is_no_length_is_refused(duration, error, message):
    with pytest.raises(error, match=message):
        steps_of(duration, HORIZON, "steps", at_least=1)


@pytest.mark.parametrize(
    ("duration", "steps"),
    [
        ("0samples", 0),
        ("32samples", 1),  # 1.0025...
        ("15samples", 0),  # 0.469...
        ("16samples", 1),  # 0.501...
        ("1995samples", 63),  # 62.5: halves up
        ("3990samples", 125),
        ("7980.0samples", 250),
        ("39900samples", 1250),
    ],
)
def test_samples_count_in_passes_over_the_data(duration, steps):
    assert steps_of(duration, SAMPLES) == steps


@given(
    passes=st.integers(0, 10**4),
    per_epoch=st.integers(1, 10**6),
    samples=st.integers(1, 10**9),
)
def test_as_many_samples_as_there_are_is_an_epoch(passes, per_epoch, samples):
    horizon = Horizon(1000, per_epoch, samples)
    epochs = steps_of(f"{passes}ep", horizon)
    assert steps_of(f"{passes * samples}samples", horizon) == epochs == passes * per_epoch


@given(amount=st.integers(0, 10**9), per_epoch=st.integers(1, 10**6), samples=st.integers(1, 10**9))
def test_samples_round_to_the_nearest_step_halves_up(amount, per_epoch, samples):
    steps = steps_of(f"{amount}samples", Horizon(1000, per_epoch, samples))
    assert -samples < 2 * (steps * samples - amount * per_epoch) <= samples


def test_a_schedule_in_samples_is_bound_as_one_in_epochs():
    in_samples = PiecewiseConstant(lr=0.1, boundaries=["3990samples", "2ep", "11970samples"])
    assert in_samples.bind(SAMPLES).boundaries == (125, 250, 375)
    half = Exponential(lr=0.1, decay_rate=0.9, decay_steps="1995samples")
    assert half.bind(SAMPLES) == Exponential(lr=0.1, decay_rate=0.9, decay_steps="0.5ep").bind(
        SAMPLES
    )
    with pytest.raises(
        ValueError, match=r"^decay_steps in samples needs a horizon with samples_per_epoch, got '1"
    ):
        half.bind(HORIZON)
    with pytest.raises(
        ValueError,
        match=r"^decay_steps must be at least 1 step, got '9samples' = 0 steps at 125 steps per ",
    ):
        Exponential(lr=0.1, decay_rate=0.9, decay_steps="9samples").bind(SAMPLES)
    with pytest.raises(ValueError, match=r"^boundaries must be strictly increasing, got \('9samp"):
        PiecewiseConstant(lr=0.1, boundaries=["9samples", "8samples", "50%"])


def test_a_run_of_another_length_has_the_same_epochs():
    assert SAMPLES.of(300) == Horizon(300, 125, 3990)
    assert HORIZON.of(300) == Horizon(300, 125)


def test_a_schedule_shows_what_a_short_duration_came_to():
    schedule = Exponential(lr=0.1, decay_rate=0.9, decay_steps="1%")
    with pytest.raises(
        ValueError, match=r"^decay_steps must be at least 1 step, got '1%' = 0 of 20 steps$"
    ):
        schedule.bind(Horizon(20, 5))


def test_a_schedule_that_is_not_bound_says_what_to_do():
    with pytest.raises(
        ValueError, match=r"^decay_steps must be bound .* got '100%': call schedule.bind\(Horizon"
    ):
        Polynomial(lr=0.1)(0)
    with pytest.raises(ValueError, match=r"^boundaries must be bound"):
        PiecewiseConstant(lr=0.1, boundaries=[5, 10, "90%"])(0)


def test_a_schedule_in_steps_needs_no_binding():
    schedule = Polynomial(lr=0.1, decay_steps=10)
    assert schedule.bound
    assert schedule(5) == 0.05
    assert schedule.bind(HORIZON) == schedule


def test_boundaries_increase_after_rounding_too():
    assert increasing_steps_of(("10%", "1ep", 126), HORIZON) == (100, 125, 126)
    with pytest.raises(
        ValueError,
        match=r"^boundaries must be strictly increasing, got \('10%', '11%'\) = \(2, 2\)$",
    ):
        increasing_steps_of(("10%", "11%"), Horizon(20, 5))
    with pytest.raises(
        ValueError, match=r"^boundaries must be strictly increasing, .* = \(600, 250\)$"
    ):
        PiecewiseConstant(values=[1, 2, 3], boundaries=["60%", "2ep"]).bind(HORIZON)
    with pytest.raises(
        ValueError, match=r"^boundaries\[0\] must be at least 1 step, got '1%' = 0 of 20 steps$"
    ):
        PiecewiseConstant(values=[1, 2], boundaries=["1%"]).bind(Horizon(20, 5))


@pytest.mark.parametrize("name", ["total_steps", "steps_per_epoch", "samples_per_epoch"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "must be at least 1, got 0"),
        (-5, ValueError, "must be at least 1, got -5"),
        (2**53 + 1, ValueError, r"must be at most 2\*\*53"),
        (1.0, TypeError, "must be a whole number, got 1.0"),
        (True, TypeError, "must be a whole number, got True"),
        ("10", TypeError, "must be a whole number, got '10'"),
    ],
)
def test_a_horizon_is_whole_numbers(name, value, error, message):
    with pytest.raises(error, match=f"^{name} {message}"):
        Horizon(**{"total_steps": 10, "steps_per_epoch": 5, name: value})
