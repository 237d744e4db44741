"""Hydra plugins of this package; `register` lets Hydra find them."""

import sys
from pathlib import Path


def register() -> None:
    """Append this folder, which holds the namespace `hydra_plugins`, to the module path."""
    here = str(Path(__file__).resolve().parent)
    if here not in sys.path:
        sys.path.append(here)
