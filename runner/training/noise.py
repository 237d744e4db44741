"""What is drawn in a run begins at seeds that follow from the recipe's."""

import numpy as np

UPDATES, AUGMENTATION, EVALUATIONS = 1, 2, 3


def noise(seed: int, kind: int) -> int:
    """Return where a kind of what is drawn begins; at step t it is drawn from t more.

    >>> noise(0, UPDATES) == noise(0, UPDATES) != noise(0, EVALUATIONS)
    True
    """
    return int(np.random.SeedSequence([seed, kind]).generate_state(1)[0])
