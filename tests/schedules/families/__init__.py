"""Every family of schedules, with examples, and with rates worked out by hand.

The one list that tests, benchmarks and the README's picture go through. A new family has entries in
the tables of one module: in FAMILIES the arguments that it cannot be built without, in BY_HAND its
rates, in VARIANTS what is true of its several forms, and in PICTURES how it is drawn, if it is.
"""

from families import blocks, cosines, cycles, decays, formulas, listeners, pieces
from families.entries import H100, HORIZON, Variant, Worked

_MODULES = (decays, cosines, pieces, cycles, listeners, formulas, blocks)

FAMILIES = {kind: least for module in _MODULES for kind, least in module.FAMILIES.items()}
BY_HAND = {name: worked for module in _MODULES for name, worked in module.BY_HAND.items()}
VARIANTS = tuple(variant for module in _MODULES for variant in module.VARIANTS)
PICTURES = {
    title: schedule
    for module in _MODULES
    for title, schedule in getattr(module, "PICTURES", {}).items()
}

__all__ = ["BY_HAND", "FAMILIES", "H100", "HORIZON", "PICTURES", "VARIANTS", "Variant", "Worked"]
