"""Plain values as YAML that OmegaConf reads back as they were."""

from contextlib import suppress
from typing import Any

import yaml

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Text(_Dumper):  # type: ignore[misc]
    """Quotes text that OmegaConf, unlike YAML, takes for a number, such as 1e-3."""


def _string(dumper: Any, text: str) -> Any:
    style = None
    with suppress(ValueError):
        float(text)
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Text.add_representer(str, _string)
_Text.ignore_aliases = lambda *_: True


def to_yaml(values: Any) -> str:
    """Return mappings, lists, texts, numbers, booleans and None as YAML, in their order.

    It is what `OmegaConf.to_yaml` gives, by the C library, which takes a tenth of the time.

    >>> print(to_yaml({"lr": 0.001, "start": "1e-3", "boundaries": ["30%", "2ep"]}), end="")
    lr: 0.001
    start: '1e-3'
    boundaries:
    - 30%
    - 2ep
    """
    text: str = yaml.dump(values, Dumper=_Text, sort_keys=False, allow_unicode=True)
    return text
