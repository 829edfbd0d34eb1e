"""Compiled Taylor propagation of multilayer perceptrons, where the machine has a C compiler.

`taylor.c` is compiled once for each processor and precision, in about a second, into a cache folder
(`SAPTS_PINN_CACHE`, else the user's cache); after that it loads in milliseconds.  Without a compiler, or with
`SAPTS_PINN_COMPILED=0`, everything works through PyTorch, more slowly.
"""

from .build import load
from .mlp import Batch, CompiledMLP

__all__ = ["Batch", "CompiledMLP", "load"]
