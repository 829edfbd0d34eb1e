"""Points at which a solution is asked, in any of the forms in which a user has them.

    {"x": x, "t": t}      by name: numbers, arrays and tensors that broadcast; also as keywords, x=..., t=...
    [..., dim]            one array or tensor, the coordinates in the last axis in the order of the domain
    [(0.5, 0.1), ...]     a sequence of points

The answer has the shape of the points, in NumPy unless something of it is a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import InputError
from ..problems.answers import Answer, Points
from ..problems.checks import check_default_device


@dataclass(frozen=True)
class Places:
    """Points in one list.

    Attributes:
        flat: [N, dim] in float64 on the processor; with a graph where a coordinate requires a gradient.
        shape: Shape of the answer.
        in_tensors: Whether something of them was a tensor, and the answer is.
    """

    flat: Tensor
    shape: tuple[int, ...]
    in_tensors: bool

    @property
    def plain(self) -> Tensor:
        """The points [N, dim] without a graph."""
        return self.flat.detach()

    def shaped(self, values: Tensor) -> Answer:
        """Values [N] in the shape of the points, as an array or a tensor."""
        shaped = values.reshape(self.shape)
        return shaped if self.in_tensors else shaped.detach().numpy()

    def answer(self, values: Mapping[str, Tensor]) -> Answer:
        """Values [N] by unknown: one answer, or a dict of them for a system."""
        out = {name: self.shaped(v) for name, v in values.items()}
        return out if len(out) > 1 else next(iter(out.values()))


def places(
    names: Sequence[str], points: Points | None, coordinates: Mapping[str, ArrayLike | Tensor]
) -> Places:
    """Read points.

    Args:
        names: Coordinates of the domain.
        points: All of them in one, or None.
        coordinates: Their coordinates by keyword, if `points` is None.

    Raises:
        InputError: A coordinate is missing or unknown, the shapes do not fit, something is no number, or
            PyTorch's default device is not the processor.
    """
    check_default_device()
    if points is None:
        return _by_name(names, coordinates)
    if coordinates:
        raise InputError(f"points are given twice, and as {', '.join(coordinates)}=...; drop one of both")
    return _by_name(names, points) if isinstance(points, Mapping) else _table(names, points)


def _by_name(names: Sequence[str], points: Mapping[str, ArrayLike | Tensor]) -> Places:
    for name in (*points, *names):
        if name not in names or name not in points:
            raise InputError(
                f"points must give exactly the coordinates {', '.join(names)}, not "
                f"{', '.join(map(str, points)) or 'nothing'}"
            )
    given = [_numbers(points[name], f"the coordinate {name}") for name in names]
    try:
        columns = torch.broadcast_tensors(*given)
    except RuntimeError as error:
        shapes = ", ".join(f"{name} {list(x.shape)}" for name, x in zip(names, given, strict=True))
        raise InputError(
            f"the coordinates do not broadcast: {shapes}; give one shape, or axes of length 1 such as "
            f"{names[0]}[:, None] for a grid"
        ) from error
    flat = torch.stack([c.reshape(-1) for c in columns], 1)
    return Places(flat, tuple(columns[0].shape), any(isinstance(points[name], Tensor) for name in names))


def _table(names: Sequence[str], points: ArrayLike | Tensor) -> Places:
    dim, parts = len(names), points if isinstance(points, (list, tuple)) else ()
    in_tensors = isinstance(points, Tensor) or any(isinstance(part, Tensor) for part in parts)
    if parts and in_tensors:
        table = _stacked([_numbers(part, "a point") for part in parts])
    else:
        table = _numbers(points, "points")
    if dim == 1 and table.ndim < 2:  # numbers, each of which is a point
        table = table.unsqueeze(-1)
    arrays = any(isinstance(part, (np.ndarray, Tensor)) and part.ndim for part in parts)
    columns = arrays and len(parts) == dim > 1  # rather coordinates than points
    if table.ndim == 0 or table.shape[-1] != dim or columns:
        found = f"{dim} arrays in a {type(points).__name__}" if columns else list(table.shape)
        raise InputError(
            f"points must be [..., {dim}] with the coordinates {', '.join(names)} in the last axis, "
            f"not {found}; or give them by name, such as {', '.join(f'{name}=...' for name in names)}"
        )
    return Places(table.reshape(-1, dim), tuple(table.shape[:-1]), in_tensors)


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    if len({part.shape for part in parts}) != 1:
        raise InputError(f"points have different shapes: {', '.join(str(list(p.shape)) for p in parts)}")
    return torch.stack([*parts])


def _numbers(value: ArrayLike | Tensor, what: str) -> Tensor:
    """Read real numbers as a tensor in float64 on the processor, with a graph if they require a gradient."""
    try:
        given = value if isinstance(value, Tensor) else torch.as_tensor(np.asarray(value))
        if given.is_complex():
            raise TypeError("complex numbers")
        out = given.to(dtype=torch.float64, device="cpu")
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be real numbers, not {value!r:.80}") from error
    return out if torch.is_grad_enabled() else out.detach()
