"""Inner loops in C, where the machine has a compiler: Taylor propagation and quasi-Newton updates.

The sources are compiled once for each processor and precision, in about a second, into a cache folder
(`SAPTS_PINN_CACHE`, else the user's cache); after that they load in milliseconds.  `CC` names the compiler,
and `SAPTS_PINN_CFLAGS` replaces the flag that tunes for this processor, for example by `-march=x86-64-v2`.
Without a compiler, or with `SAPTS_PINN_COMPILED=0`, everything works through PyTorch, more slowly.

build: `load`, the compiled library.
layout: `Layout`, the architectures that the kernels know.
network: `CompiledNetwork`, the kernel of one architecture.
point_set: `PointSet`, points with the passes of a network at them.
dense: Products with a dense symmetric matrix.
threads: Division of work over threads.
"""

from .build import load
from .dense import product, symmetric_product
from .layout import Layout, NotCompiled
from .network import CompiledNetwork, Cut
from .point_set import JoinedPointSet, PointSet, SinglePointSet

__all__ = [
    "CompiledNetwork",
    "Cut",
    "JoinedPointSet",
    "Layout",
    "NotCompiled",
    "PointSet",
    "SinglePointSet",
    "load",
    "product",
    "symmetric_product",
]
