"""What follows a schedule's end, family by family: hold, error or continue."""

from dataclasses import replace

import numpy as np
import pytest

from schedules import Cosine, Exponential, Horizon, Polynomial, Warmup

FAR = np.array([0, 1, 2, 17, 10**6, 10**9, 2**52])


def told(schedule, after):
    """The same schedule with another policy, from 60 % on where its formula has no end."""
    if "end_steps" not in schedule.durations:
        return replace(schedule, after=after)
    end_steps = None if after == "continue" else schedule.end_steps or "60%"
    return replace(schedule, after=after, end_steps=end_steps)


def bound_with_end(family, after, horizon):
    """The family's schedule with a policy, and its end."""
    bound = told(family.schedule, after).bind(horizon)
    return bound, bound.end_step()


def rates(schedule, t):
    return schedule.rates(schedule.begin(), np.asarray(t))


def test_hold_keeps_the_rate_of_the_end(ended, horizon):
    bound, end = bound_with_end(ended, "hold", horizon)
    held = rates(bound, end + FAR)
    assert (held == held[0]).all()
    # Up to the end the policy changes nothing.
    error, _ = bound_with_end(ended, "error", horizon)
    assert rates(bound, np.arange(end + 1)).tolist() == rates(error, np.arange(end + 1)).tolist()
    if "continue" in bound.policies:
        further = told(ended.schedule, "continue").bind(horizon)
        assert rates(bound, np.arange(end + 1)).tolist() == (
            rates(further, np.arange(end + 1)).tolist()
        )


def test_error_refuses_the_step_after_the_end(ended, horizon):
    bound, end = bound_with_end(ended, "error", horizon)
    assert np.isfinite(rates(bound, [0, end - 1, end])).all()
    others = " or ".join(repr(policy) for policy in bound.policies if policy != "error")
    for steps in (end + 1, [0, end + 1, end]):
        with pytest.raises(
            ValueError,
            match=rf"^after must be {others} for steps beyond {end}, "
            rf"the end of {type(bound).__name__}, got 'error' and step {end + 1}$",
        ):
            rates(bound, steps)


def test_continue_goes_on_by_the_formula_or_is_refused(ending, horizon):
    if "continue" not in ending.schedule.policies:
        policies = " or ".join(map(repr, ending.schedule.policies))
        with pytest.raises(ValueError, match=rf"^after must be {policies}, got 'continue'$"):
            replace(ending.schedule, after="continue")
        return
    bound = told(ending.schedule, "continue").bind(horizon)
    t = np.concatenate([np.arange(3000), FAR])
    trace = rates(bound, t)
    assert np.isfinite(trace).all()
    assert (trace >= 0).all()
    if not bound.listens:
        assert trace.tolist() == bound.formula(t).tolist()


def test_any_other_policy_is_refused(ending):
    for junk in ("stop", "", None, 1, True, ["hold"]):
        with pytest.raises(ValueError, match=r"^after must be 'hold' or 'error'"):
            replace(ending.schedule, after=junk)


def test_an_end_of_one_s_own_needs_a_policy_and_is_the_run_s_unless_given(endless, horizon):
    for given in (500, "5ep"):
        with pytest.raises(
            ValueError, match=rf"^end_steps must be null with after 'continue', got {given!r}$"
        ):
            replace(endless.schedule, after="continue", end_steps=given)
        held = replace(endless.schedule, after="hold", end_steps=given)
        assert held.bind(horizon).end_step() == 500
    error = replace(endless.schedule, after="error", end_steps=None)
    assert error.end_steps == "100%"
    assert error.bind(horizon).end_step() == horizon.total_steps
    with pytest.raises(ValueError, match=r"^end_steps must be at least 1 step, got 0$"):
        replace(endless.schedule, after="hold", end_steps=0)


def test_a_whole_run_and_one_step_more_are_allowed_with_error():
    horizon = Horizon(100, 10)
    for schedule in (Polynomial(lr=0.1, after="error"), Cosine(lr=0.1, after="error")):
        assert schedule.bind(horizon)(np.arange(101))[-1] == 0.0


def test_polynomial_in_cycles_has_no_end():
    cycles = Polynomial(lr=0.1, decay_steps=10, cycle=True)
    assert cycles.end_step() is None
    assert cycles(11) == pytest.approx(0.1 * 9 / 20)
    assert cycles(10**9) == 0.0
    with pytest.raises(
        ValueError, match=r"^after must be 'hold' with cycle, which has no end, got 'error'$"
    ):
        Polynomial(lr=0.1, cycle=True, after="error")


def test_behind_a_warm_up_the_end_counts_from_the_end_of_the_ramp():
    decay = Exponential(lr=0.8, decay_rate=0.5, decay_steps=10, after="hold")
    warmup = Warmup(schedule=decay, steps=20, start=0.0).bind(Horizon(100, 10))
    assert warmup.schedule.end_steps == 80
    assert warmup(100) == warmup(101) == warmup(10**9) == 0.8 / 2**8
    refusing = Warmup(schedule=replace(decay, after="error"), steps=20, start=0.0)
    bound = refusing.bind(Horizon(100, 10))
    assert bound(100) == 0.8 / 2**8
    with pytest.raises(
        ValueError, match=r"^schedule\.after must be .* beyond 80, the .* step 81 of its own$"
    ):
        bound(101)
