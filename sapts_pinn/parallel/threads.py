"""Threads of this process, for PyTorch and for the compiled kernels, which go by PyTorch's number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import InputError


@contextmanager
def number_of_threads(count: object) -> Iterator[None]:
    """Give a block some threads, and restore their number afterwards.

    Args:
        count: How many.

    Raises:
        InputError: It is no positive whole number.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError(f"threads must be a positive whole number, not {count!r}")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
