"""Memory that is freed is there for what is taken next."""

import platform
import resource

import pytest
import torch

from runner.training import memory

MEGABYTES, TENSORS = 16, 8  # as an update's
PAGES = MEGABYTES * TENSORS * 256


def new_pages() -> int:
    """Take some tensors, free them, and return how many pages were new."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    _ = [torch.ones(MEGABYTES << 20, dtype=torch.uint8) for _ in range(TENSORS)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_what_is_freed_is_taken_again_without_new_pages() -> None:
    memory.keep()
    rounds = [new_pages() for _ in range(8)]
    assert max(rounds[4:]) < PAGES / 4
