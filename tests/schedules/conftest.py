"""The families that every property is tested on."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from families import HORIZON, VARIANTS, Variant

from schedules import Horizon


def _those(wanted: Callable[[Variant], bool]) -> Any:
    """A fixture of the families of which something is true."""
    chosen = [family for family in VARIANTS if wanted(family)]
    return pytest.fixture(scope="session", params=chosen, ids=lambda family: family.name)


def _says_what_follows(family: Variant) -> bool:
    return "after" in {field.name for field in fields(family.schedule)}


def _may_end(family: Variant) -> bool:
    own = family.bound.end_step() is not None
    return _says_what_follows(family) and (own or "end_steps" in family.schedule.durations)


@_those(lambda family: True)
def family(request: pytest.FixtureRequest) -> Variant:
    return request.param


@_those(lambda family: family.holds)
def holding(request: pytest.FixtureRequest) -> Variant:
    """A family that holds a value after its end."""
    return request.param


@_those(_says_what_follows)
def ending(request: pytest.FixtureRequest) -> Variant:
    """A family that says what follows its end."""
    return request.param


@_those(_may_end)
def ended(request: pytest.FixtureRequest) -> Variant:
    """A family that has an end, or can be given one."""
    return request.param


@_those(lambda family: "end_steps" in family.schedule.durations)
def endless(request: pytest.FixtureRequest) -> Variant:
    """A family whose formula has no end of its own."""
    return request.param


@pytest.fixture(scope="session")
def horizon() -> Horizon:
    return HORIZON
