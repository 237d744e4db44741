"""A training state as plain values, and back with the same bits.

`Watched(state, data)` looks at a fresh state, `capture()` takes what training has changed since,
`restore(captured)` gives it back to a fresh state of the same recipe, `weights_of(captured)` are
those of its model.
"""

from runner.training.capture.reading import NotStorable
from runner.training.capture.unchanged import Before, unchanged
from runner.training.capture.watched import Watched
from runner.training.capture.weights import weights_of

__all__ = ["Before", "NotStorable", "Watched", "unchanged", "weights_of"]
