"""The model of the curvature of the whole, in SAPTS."""

from __future__ import annotations

from ..curvature import Curvature
from ..curvature.make import make_curvature, make_divided
from ..subproblem.step import InnerProducts
from .decomposition import Decomposition
from .settings import Sweep


def global_model(
    name: str | None, own: int, decomposition: Decomposition, sweep: Sweep, products: InnerProducts
) -> Curvature:
    """Make the model of the whole, whose algebra the ranks divide where that can be.

    Sweeps that pool curvature cannot have it divided: their subdomains, which all move all parameters, take
    steps with the model of the whole while nobody communicates.

    Args:
        name: One of `CURVATURES`; None chooses by size.
        own: Number of parameters on this rank.
        decomposition: The decomposition.
        sweep: How its subdomains are used.
        products: The inner products of its vectors.
    """
    ranks, n = products.communicator, own
    if decomposition.sharded and ranks.size > 1:
        n = sum(ranks.gather_objects(own))
    alone = decomposition.shared and sweep.pooled and sweep.local_steps > 0
    chosen = name or decomposition.curvature(n, 1 if alone else ranks.size)
    if decomposition.sharded:
        return make_curvature(chosen, products)
    return make_curvature(chosen) if alone else make_divided(chosen, n, ranks)
