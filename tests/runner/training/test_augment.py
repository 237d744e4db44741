"""Augmentation: each image's own crop and mirroring, from the generator alone."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.nn import functional

from runner.training.augment import crop_flip

# every pixel is unlike all others, and none is 0
IMAGE = torch.arange(1.0, 1 + 2 * 6 * 5).reshape(2, 6, 5)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def views():
    """Each of the 9 x 9 x 2 views, cut out by hand: (down, right, mirrored) -> image."""
    padded = functional.pad(IMAGE, (4, 4, 4, 4))
    for down, right, mirrored in itertools.product(range(9), range(9), (False, True)):
        cut = padded[:, down : down + 6, right : right + 5]
        yield (down, right, mirrored), torch.stack([c.fliplr() for c in cut]) if mirrored else cut


def test_every_image_is_one_of_the_162_views_and_all_are_as_likely():
    n = 162 * 50
    seen = crop_flip(IMAGE.expand(n, -1, -1, -1), seeded(0)).flatten(1).numpy()
    names = {view.numpy().tobytes(): name for name, view in views()}
    assert len(names) == 162
    found = [names[row.tobytes()] for row in np.ascontiguousarray(seen)]
    counts = [found.count(name) for name in names.values()]
    assert chisquare(counts).pvalue > 0.01


def test_a_batch_depends_on_the_generators_seed_alone():
    images = IMAGE.expand(16, -1, -1, -1)
    assert torch.equal(crop_flip(images, seeded(3)), crop_flip(images, seeded(3)))
    assert not torch.equal(crop_flip(images, seeded(3)), crop_flip(images, seeded(4)))
    torch.manual_seed(0)
    before = torch.get_rng_state()
    crop_flip(images, seeded(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_given_images_stay_as_they_are_in_either_layout():
    images = torch.rand(16, 3, 8, 8, generator=seeded(0))
    kept = images.clone()
    contiguous = crop_flip(images, seeded(1))
    assert torch.equal(images, kept)
    other = crop_flip(images.to(memory_format=torch.channels_last), seeded(1))
    assert torch.equal(contiguous, other)


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match=r"^inputs must be images \(n, .*, got \(4, 10\)$"):
        crop_flip(torch.zeros(4, 10), seeded(0))
