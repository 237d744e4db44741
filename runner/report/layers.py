"""The rates of parameter groups that learn at rates of their own, in words."""

from collections.abc import Mapping, Sequence

from runner.report.plain import as_line


def layers(rates: Mapping[str, Sequence[float]]) -> str:
    """Return the rates of parameter groups as text.

    rates: pattern, "" for the rest -> the rate of each of its layers from the input, one for all of
    them, or none of a frozen group.

    >>> layers({"conv*": [1e-5], "dense[12].*": [1e-5], "": [1e-3]})
    'conv*, dense[12].*: lr 1e-05; others: lr 0.001'
    >>> layers({"conv1.*": [], "": [0.00064, 0.0008, 0.001]})
    'conv1.*: frozen; others: lr 0.00064 (first of 3 layers) to 0.001 (last)'
    """
    rest = "others" if len(rates) > 1 else "all"
    alike: dict[str, list[str]] = {}
    for pattern, found in rates.items():
        alike.setdefault(_rates(found), []).append(as_line(pattern) or rest)
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in alike.items())


def _rates(found: Sequence[float]) -> str:
    if not found:
        return "frozen"
    if len(found) == 1:
        return f"lr {found[0]:.4g}"
    return f"lr {found[0]:.4g} (first of {len(found)} layers) to {found[-1]:.4g} (last)"
