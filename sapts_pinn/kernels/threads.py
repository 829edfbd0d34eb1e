"""Threads for the kernels: C code runs without Python's lock, so a thread pool is all that is needed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from torch import Tensor


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="sapts-kernel")


def in_parallel(workers: int, items: int, task: Callable[[int, int, int], None]) -> None:
    """Split items 0 .. items-1 evenly: task(worker, first, last) on every thread, the caller's included."""
    if workers == 1:
        task(0, 0, items)
        return
    cuts = [items * i // workers for i in range(workers + 1)]
    futures = [_pool(workers).submit(task, i, cuts[i], cuts[i + 1]) for i in range(1, workers)]
    task(0, cuts[0], cuts[1])
    for future in futures:
        future.result()


def pointer(tensor: Tensor) -> ctypes.c_void_p:
    """Address of a tensor's data."""
    return ctypes.c_void_p(tensor.data_ptr())
