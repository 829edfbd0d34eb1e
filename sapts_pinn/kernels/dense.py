"""Products with a dense symmetric matrix, on several threads; by PyTorch where there is no kernel."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from .build import load
from .threads import in_parallel, pointer

SMALL = 256  # rows below which PyTorch is as fast


def _library(H: Tensor) -> ctypes.CDLL | None:
    if H.device.type != "cpu" or H.shape[0] < SMALL or not H.is_contiguous():
        return None
    return load(H.dtype == torch.float32) if H.dtype in (torch.float64, torch.float32) else None


def product(H: Tensor, x: Tensor, threads: int) -> Tensor:
    """Multiply a symmetric matrix H [n, n] by a vector x [n]."""
    library = _library(H)
    if library is None:
        return torch.mv(H, x)
    n, out, x = H.shape[0], torch.empty_like(x), x.contiguous()

    def rows(_: int, first: int, last: int) -> None:
        library.dense_product(
            pointer(H), ctypes.c_long(n), ctypes.c_long(first), ctypes.c_long(last), pointer(x), pointer(out)
        )

    in_parallel(threads, n, rows)
    return out
