"""Points of the equation that the user gives, at which the run trains from its first step to its last."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..networks.time_windows import edges, time_of
from ..pipeline.trainable_model import TrainableModel
from ..problems import Problem, Sites
from ..results.extrapolation import outside
from ..runs.content import Checkpoint
from ..training.collocation import Collocation
from ..training.settings import Arguments

Points = int | np.ndarray | Tensor | Sequence[object] | Mapping[str, Any]


@dataclass
class OwnCollocation(Collocation):
    """Collocation points of which those of the equation are given, and stay.

    Attributes:
        own: Points of the equation [N, dim].
    """

    own: Tensor = field(default_factory=lambda: torch.empty(0))

    def _drawn(self) -> dict[str, Sites]:
        return {**super()._drawn(), "equation": self.problem.at(self.own)}

    def redraw(self, model: TrainableModel) -> dict[str, Sites]:
        """Draw the points of the conditions anew; those of the equation stay."""
        return self.draw()


def own_points(given: object, problem: Problem) -> Tensor | None:
    """Points of the equation [N, dim], float64; None where only their number is given.

    Args:
        given: An array [N, dim], or arrays by coordinate that broadcast.
        problem: Its domain is that of the points.

    Raises:
        InputError: They are of another width, not finite, outside of the domain, or too few.
    """
    if not isinstance(given, (Mapping, Sequence, np.ndarray, Tensor)) or isinstance(given, str):
        return None
    names, dim = problem.domain.names, problem.domain.dim
    points = _by_name(given, names) if isinstance(given, Mapping) else _array(given, "points")
    if points.ndim == 1 and dim == 1:
        points = points.reshape(-1, 1)
    if points.ndim != 2 or points.shape[1] != dim:
        raise InputError(
            f"points are of shape {tuple(points.shape)}; give their number, an array [N, {dim}] of the "
            f"coordinates {', '.join(names)}, or a dict of arrays by coordinate"
        )
    if bad := int((~torch.isfinite(points)).any(1).sum()):
        raise InputError(f"{bad} of {len(points)} points are not finite; remove them")
    if len(points) <= dim:
        raise InputError(f"{len(points)} points are too few to train on; give more than {dim}")
    out = outside(problem.domain, points)
    if out.any():
        first = points[int(out.nonzero()[0])].tolist()
        where = ", ".join(f"{name}={value:.6g}" for name, value in zip(names, first, strict=True))
        raise InputError(
            f"{int(out.sum())} of {len(points)} points are outside {problem.domain!r}, the first at {where}; "
            "remove them, as the equation holds inside"
        )
    return points


def _array(given: object, what: str) -> Tensor:
    try:
        values = given.detach().cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)
        return torch.tensor(values.astype(np.float64, casting="same_kind"))
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be an array of numbers ({error})") from None


def _by_name(given: Mapping[str, object], names: tuple[str, ...]) -> Tensor:
    if set(given) != set(names):
        raise InputError(
            f"points must give exactly the coordinates {', '.join(names)}, not "
            f"{', '.join(map(str, given)) or 'nothing'}"
        )
    columns = [_array(given[name], f"points[{name!r}]") for name in names]
    try:
        return torch.stack([c.reshape(-1) for c in torch.broadcast_tensors(*columns)], 1)
    except RuntimeError:
        shapes = ", ".join(f"{name} {tuple(c.shape)}" for name, c in zip(names, columns, strict=True))
        raise InputError(f"points: the coordinates must be of one shape, and are {shapes}") from None


def in_windows(points: Tensor, problem: Problem, windows: int) -> list[Tensor]:
    """Divide given points [N, dim] among windows in time; those where two meet belong to both.

    Raises:
        InputError: A window has too few of them.
    """
    whole = time_of(problem)
    at = points[:, problem.domain.names.index(whole.names[0])]
    meet = [-math.inf, *edges(problem, windows), math.inf]
    found = [points[(at >= a) & (at <= b)] for a, b in pairwise(meet)]
    for number, own in enumerate(found, 1):
        if len(own) <= problem.domain.dim:
            raise InputError(
                f"{len(own)} of the {len(points)} points given are in window {number} of {windows}, which is "
                "too few to train on; give more of them, or fewer windows"
            )
    return found


def digest(points: Tensor | None) -> str | None:
    """Digest of given points, by which a run knows them again; None where there are none."""
    return None if points is None else hashlib.sha256(points.numpy().tobytes()).hexdigest()[:16]


def with_number(arguments: Arguments) -> Arguments:
    """Arguments of `solve` with the number of own points in place of these, which are never resampled.

    Raises:
        InputError: They are to be resampled.
    """
    own: Tensor | None = arguments["own"]
    if own is None:
        return arguments
    if arguments["resample"]:
        raise InputError(
            f"points of your own stay as they are; drop resample={arguments['resample']}, or give a number "
            "of points"
        )
    return {**arguments, "points": len(own), "resample": 0}


def saved_points(state: Checkpoint) -> Tensor | None:
    """Points of the equation that an earlier session was given; None where it drew them."""
    if state.get("settings", {}).get("own_points") is None:
        return None
    found: Tensor = state["trainer"]["collocation"]["sites"]["equation"]["points"]
    return found


def are_others(then: Tensor | None, now: Tensor | None, path: Path) -> bool:
    """Return whether a resumed run is given other points than it had; warns if so.

    Args:
        then: The points that the earlier session was given; None where it drew them.
        now: Those of the present one.
        path: Of the checkpoint.
    """
    if digest(then) == digest(now):
        return False
    what = {
        (False, True): "with points of your own in place of those that it drew",
        (True, False): "with points that it draws in place of your own",
        (True, True): "with other points of your own",
    }[then is not None, now is not None]
    warnings.warn(f"the run of {path} goes on {what}", UserWarning, stacklevel=4)
    return True
