"""Models of the curvature by name."""

from __future__ import annotations

from ...errors import InputError
from ..subproblem.step import InnerProducts
from . import CURVATURES, LBFGS, LSR1, Curvature, Identity
from .base import Dot

DENSE = 6_000  # parameters up to which a dense quasi-Newton matrix is kept


def curvature_by_size(n: int) -> str:
    """Name of the default model for n parameters: dense self-scaled Broyden while it fits, else L-BFGS."""
    return "ssbroyden" if n <= DENSE else "lbfgs"


def curvature_name(curvature: Curvature) -> str | None:
    """Name of a model's row in `CURVATURES`; None for a model that has none."""
    return next((name for name, kind in CURVATURES.items() if type(curvature) is kind), None)


def make_curvature(name: str, dot: Dot | None = None) -> Curvature:
    """A model of the curvature by its name.

    Args:
        name: One of `CURVATURES`.
        dot: The inner product, where vectors are sharded; "ssbroyden" and "gauss-newton" need whole ones.

    Raises:
        InputError: There is none of that name, or it needs whole vectors.
    """
    if name not in CURVATURES:
        raise InputError(f"unknown curvature {name!r}; choose one of {', '.join(CURVATURES)}")
    if dot is None:
        return CURVATURES[name]()
    if name == "identity":
        return Identity(dot)
    if name == "lsr1":
        return LSR1(dot=dot)
    if name == "lbfgs" and isinstance(dot, InnerProducts):
        return LBFGS(dot=dot)
    raise InputError(
        f"curvature {name!r} needs all parameters on one rank; stages take 'lbfgs', 'lsr1' or 'identity'"
    )
