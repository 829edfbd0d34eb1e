"""States of an optimizer of sharded parameters, divided anew for another number of ranks.

Every rank has the parameters of consecutive stages, and so the shards of all ranks, one after the other, are
the vectors of one process.  What is no vector is the same on all ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...parallel.communicator import Communicator
from ..curvature import CURVATURES, Curvature
from ..curvature.make import make_curvature
from ..subproblem.step import InnerProducts

SHARDS = "shards"  # the entry of a state that is the states of all ranks of an earlier session


def own_span(own: int, ranks: Communicator) -> tuple[slice, int]:
    """The parameters of this rank among all, given how many it has, and how many all are; collective."""
    counts = ranks.gather_objects(own)
    start = sum(counts[: ranks.rank])
    return slice(start, start + own), sum(counts)


def saved_kind(state: StateDict, curvature: Curvature, products: InnerProducts) -> Curvature:
    """A model of the kind that a state has; other numbers of ranks choose other kinds by size.

    Args:
        state: Of one rank.
        curvature: The model that this number of ranks has chosen.
        products: The inner products of its vectors.
    """
    saved = state["trust_region"]["model"]
    name = next((name for name, kind in CURVATURES.items() if kind.__name__ == saved), None)
    if name is None or type(curvature).__name__ == saved:
        return curvature
    return make_curvature(name, products)


def resharded(
    shards: Sequence[StateDict], curvature: type[Curvature], tensors: int, own: int, ranks: Communicator
) -> StateDict:
    """State of SAPTS on this rank, from the states of all ranks of an earlier session.

    Args:
        shards: The states, in the order of the ranks.
        curvature: The model of the whole.
        tensors: Number of trained tensors on this rank.
        own: Number of parameters on this rank.
        ranks: The ranks of this session.

    Raises:
        InputError: The model of the curvature cannot be divided anew, or the states are of another network.
    """
    (span, total), first = own_span(own, ranks), shards[0]
    sizes = [size for state in shards for size in state["sapts"]["sizes"]]
    if sum(sizes) != total:
        raise InputError(
            f"this state is of {sum(sizes)} parameters in stages, not of {total}; "
            "resume with the network it was written with"
        )
    ends = pairwise(accumulate(sizes, initial=0))
    stages = [i for i, (a, b) in enumerate(ends) if span.start <= a and b <= span.stop]
    local = {number: kept for state in shards for number, kept in state["sapts"]["local"].items()}
    trust = first["trust_region"]
    mine = curvature.resharded([state["trust_region"]["curvature"] for state in shards], span)
    aligned = sum(sizes[i] for i in stages) == own
    return {
        **grouped(first, tensors),
        "trust_region": {**trust, "curvature": mine},
        "sapts": {
            **first["sapts"],
            "local": {i: local[i] for i in stages if i in local},
            "sizes": [sizes[i] for i in stages] if aligned else [own],
        },
    }


def resharded_moments(shards: Sequence[StateDict], tensors: int, own: int, ranks: Communicator) -> StateDict:
    """State of SAPTS on mini-batches on this rank, from the states of all ranks of an earlier session.

    The best parameters so far are left out: those of the state pass for them.

    Args:
        shards: The states, in the order of the ranks.
        tensors: Number of trained tensors on this rank.
        own: Number of parameters on this rank.
        ranks: The ranks of this session.
    """
    (span, _), first = own_span(own, ranks), shards[0]
    moments = [state["minibatch"]["moments"] for state in shards]
    joined = {name: torch.cat([m[name] for m in moments])[span].clone() for name in ("m", "v")}
    here = {**first["minibatch"], "moments": {**moments[0], **joined}, "best_state": None}
    return {**grouped(first, tensors), "minibatch": here}


def grouped(state: StateDict, tensors: int) -> dict[str, Any]:
    """A state with one parameter group of so many tensors."""
    (group,) = state["param_groups"]
    return {**state, "param_groups": [{**group, "params": list(range(tensors))}]}
