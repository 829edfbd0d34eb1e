"""The two inner loops in C, where the machine has a compiler: Taylor propagation and quasi-Newton updates.

The sources are compiled once for each processor and precision, in about a second, into a cache folder
(`SAPTS_PINN_CACHE`, else the user's cache); after that they load in milliseconds.  Without a compiler, or
with `SAPTS_PINN_COMPILED=0`, everything works through PyTorch, more slowly.
"""

from .build import load
from .dense import product
from .mlp import Batch, Batches, CompiledMLP

__all__ = ["Batch", "Batches", "CompiledMLP", "load", "product"]
