"""Products with rows of a dense matrix, on several threads; by PyTorch where there is no kernel."""

from __future__ import annotations

import ctypes
import math

import torch
from torch import Tensor

from .build import load
from .threads import in_parallel, pointer

SMALL = 256  # columns below which PyTorch is as fast


def _library(H: Tensor) -> ctypes.CDLL | None:
    if H.device.type != "cpu" or H.shape[1] < SMALL or not H.is_contiguous():
        return None
    return load(H.dtype == torch.float32) if H.dtype in (torch.float64, torch.float32) else None


def product(H: Tensor, x: Tensor, threads: int) -> Tensor:
    """Multiply rows H [m, n] of a matrix by a vector x [n]; the bits of each do not depend on the others."""
    library = _library(H)
    if library is None:
        return torch.mv(H, x)
    (m, n), x = H.shape, x.contiguous()
    out = x.new_empty(m)

    def rows(_: int, first: int, last: int) -> None:
        library.dense_product(
            pointer(H), ctypes.c_long(n), ctypes.c_long(first), ctypes.c_long(last), pointer(x), pointer(out)
        )

    in_parallel(threads, m, rows)
    return out


def symmetric_product(H: Tensor, x: Tensor, threads: int) -> Tensor:
    """Multiply a symmetric H [n, n] by a vector x [n]; the kernel reads the upper triangle only."""
    library = _library(H)
    if library is None:
        return torch.mv(H, x)
    n, x = len(H), x.contiguous()
    # Rows of equal area: the first k of n rows have 1 - (1 - k / n)^2 of the triangle.
    cuts = [round(n * (1 - math.sqrt(1 - i / threads))) for i in range(threads + 1)]
    parts = x.new_empty(threads, n)

    def rows(_: int, first: int, last: int) -> None:
        for i in range(first, last):
            begin, end = ctypes.c_long(cuts[i]), ctypes.c_long(cuts[i + 1])
            library.symmetric_product(pointer(H), ctypes.c_long(n), begin, end, pointer(x), pointer(parts[i]))

    in_parallel(threads, threads, rows)
    return parts[0] if threads == 1 else parts.sum(0)
