"""Points in the form that the compiled kernel of a network takes."""

from __future__ import annotations

from collections.abc import Sequence

from ..kernels import Batch, Batches, CompiledMLP
from .model import Location
from .side_by_side import SideBySide


def _batch(kernels: Sequence[CompiledMLP], location: Location) -> Batch | Batches | None:
    """The points of a location, laid out for the kernels of its network; None without kernels."""
    if not kernels:
        return None
    network = location.trainable
    if not isinstance(network, SideBySide):
        return Batch(kernels[0], location.inputs)
    inputs = [location.inputs[..., columns] for columns in network.inputs]
    return Batches([Batch(k, x) for k, x in zip(kernels, inputs, strict=True)], network.order)
