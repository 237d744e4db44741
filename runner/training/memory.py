"""What a training on a CPU frees and takes again at each update."""

import ctypes
import functools
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
_KEPT = 1 << 30  # bytes
_LARGEST = 32 << 20  # bytes of what comes from memory that is kept, as glibc comes to by itself


@functools.cache
def keep() -> None:
    """Let glibc keep what is freed for what is taken next; nothing changes with another C library.

    It would give most back to the system, which clears each page anew when it is taken again: a
    tenth of the time of keras_cnn.
    """
    if sys.platform != "linux":
        return
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_TRIM_THRESHOLD, _KEPT)
