"""Models of the curvature by name."""

from __future__ import annotations

from ...errors import InputError
from ...parallel.communicator import Communicator
from ..subproblem.step import InnerProducts
from . import CURVATURES, Curvature

DENSE = 6_000  # parameters up to which a process keeps a dense quasi-Newton matrix
DIVIDED = 2_000  # parameters from which ranks divide its rows: with fewer they would wait longer than compute


def curvature_by_size(n: int, ranks: int = 1) -> str:
    """Name of the default model for n parameters: dense self-scaled Broyden while it fits, else L-BFGS.

    Args:
        n: Number of parameters.
        ranks: Number of ranks that divide the rows of a dense matrix.
    """
    return "ssbroyden" if n * n <= ranks * DENSE**2 else "lbfgs"


def curvature_name(curvature: Curvature) -> str | None:
    """Name of a model's row in `CURVATURES`; None for a model that has none."""
    return next((name for name, kind in CURVATURES.items() if type(curvature) is kind), None)


def make_curvature(name: str, products: InnerProducts | None = None) -> Curvature:
    """Make a model of the curvature by its name.

    Args:
        name: One of `CURVATURES`.
        products: The inner products, where vectors are sharded.

    Raises:
        InputError: There is none of that name, or it needs whole vectors.
    """
    if name not in CURVATURES:
        raise InputError(f"unknown curvature {name!r}; choose one of {', '.join(CURVATURES)}")
    if products is None:
        return CURVATURES[name]()
    found = CURVATURES[name].sharded(products)
    if found is None:
        able = [repr(other) for other, kind in CURVATURES.items() if kind.sharded(products) is not None]
        raise InputError(
            f"curvature {name!r} needs all parameters on one rank; "
            f"stages take {', '.join(able[:-1])} or {able[-1]}"
        )
    return found


def make_divided(name: str, n: int, communicator: Communicator) -> Curvature:
    """Make a model of n whole parameters, the same on all ranks, whose algebra these divide where it pays.

    Args:
        name: One of `CURVATURES`.
        n: Number of parameters.
        communicator: The ranks.

    Raises:
        InputError: There is none of that name.
    """
    if name not in CURVATURES or communicator.size == 1 or n < DIVIDED:
        return make_curvature(name)
    return CURVATURES[name].divided_among(communicator)
