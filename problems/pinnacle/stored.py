"""References known at the nodes of a stored grid, and nowhere else.

`scripts/make_pinnacle_{grids,elements,flow}.py` compute them with many more nodes, and say how far a coarser
computation is.  Between the nodes nothing is known: values there are NaN.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..references import Array, Reference, _grid, _stored

NEAR = 1e-9  # distance from a node, of the axis


def on_grid(
    name: str,
    source: str,
    accuracy: float,
    unknowns: tuple[str, ...] = ("u",),
    period: Mapping[str, float] | None = None,
) -> Reference:
    """The reference of data/pinnacle_NAME.npz: `values` [unknowns, ...] and an axis for each coordinate.

    Args:
        name: Of the file.
        source: Method, in words.
        accuracy: Relative L2 error that its script has measured.
        unknowns: Their names, in the order of the values.
        period: Length after which the solution repeats, by coordinate, where one period is stored.

    Returns:
        The reference; its test points are the nodes with a value, of one period.
    """
    periods = dict(period or {})

    def read() -> tuple[Array, dict[str, Array]]:
        data = _stored(f"pinnacle_{name}")
        values = np.asarray(data.pop("values"), float)
        return values, data

    def evaluate(points: Mapping[str, Array]) -> dict[str, Array]:
        values, axes = read()
        columns = np.broadcast_arrays(*(np.asarray(points[axis], float) for axis in axes))
        found = [
            _nearest(nodes, c, periods.get(axis))
            for (axis, nodes), c in zip(axes.items(), columns, strict=True)
        ]
        known = np.logical_and.reduce([hit for _, hit in found])
        place = np.ravel_multi_index([index for index, _ in found], values.shape[1:])
        at = values.reshape(len(values), -1)[:, place]
        return {u: np.where(known, row, np.nan) for u, row in zip(unknowns, at, strict=True)}

    def test_points() -> dict[str, Array]:
        values, axes = read()
        known = np.isfinite(values).all(0).ravel()
        return {axis: column[known] for axis, column in _grid(**axes).items()}

    return Reference(f"{source}, stored by a script under problems/scripts", accuracy, evaluate, test_points)


def _nearest(nodes: Array, s: Array, period: float | None) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The node nearest to each of some numbers, and whether it is there."""
    if period is not None:
        s = nodes[0] + (s - nodes[0] + NEAR) % period - NEAR
    right = np.clip(np.searchsorted(nodes, s), 1, nodes.size - 1)
    index = np.where(s - nodes[right - 1] < nodes[right] - s, right - 1, right)
    return index, abs(nodes[index] - s) <= NEAR * np.ptp(nodes)
