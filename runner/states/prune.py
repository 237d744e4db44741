"""Makes a store smaller, as a person asks for it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from runner.states import listing, quota
from runner.states.scan import Kept
from runner.trial.name import StateName


@dataclass(frozen=True)
class Pruned:
    """What was done to a store. states, others: files that were removed, the others of which were
    set aside or left half-written. left: files that are there still."""

    states: list[Kept]
    others: list[Kept]
    left: list[Kept]


def prune(root: Path, max_bytes: int, wanted: Collection[StateName] = ()) -> Pruned:
    """Remove what is of no use any more, then the states that were not used for longest until all
    are within a size, as far as that can be.

    wanted: what is left alone, as is what was saved or loaded within a minute. Raises OSError.
    """
    before = listing.stored(root)
    useless = [kept for kept in before if kept.is_aside or kept.is_left]
    gone = {*quota.remove(useless), *quota.prune(root, max_bytes, wanted)}
    removed = [kept for kept in before if kept.file in gone]
    return Pruned(
        states=[kept for kept in removed if kept.name],
        others=[kept for kept in removed if not kept.name],
        left=listing.stored(root),
    )
