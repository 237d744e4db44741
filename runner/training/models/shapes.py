"""What a model says of samples that it cannot take."""

from schedules.errors import ArgumentError


def image_shape(input_shape: tuple[int, ...], least: int) -> tuple[int, int, int]:
    """Return (channels, height, width).

    Raises ArgumentError for what is no image, or has fewer than `least` pixels a side.

    >>> image_shape((3, 32, 32), least=8)
    (3, 32, 32)
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < least:
        raise ArgumentError(
            "input_shape",
            f"must be (channels, height, width) of at least {least} x {least} pixels",
            f"{tuple(input_shape)}",
        )
    channels, height, width = input_shape
    return channels, height, width
