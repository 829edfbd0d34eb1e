"""SAPTS: the stochastic additively preconditioned trust-region strategy.

optimizer: `SAPTS`.
settings: `Sweep`, the settings of a sweep over the subdomains.
subdomain: `Subdomain`, a subdomain: what it minimises and in which parameters.
data: Parts of the data as subdomains.
blocks: Blocks of parameters as subdomains.
stages: Stages of a network as subdomains.
local_solve: A few trust-region steps of one subdomain.
group_solve: The local solves of a group of subdomains in turn.
combine: One correction from those of all subdomains.
exchange: Subdomains of a rank, and the exchange of corrections between ranks.
batches: Overlapping mini-batches that grow.
decomposition: `Decomposition`, what a way to divide the training has to say.
schedule: Number of local steps of a sweep.
divider: The subdomains of the current batch of an objective.
local_models: Models of the curvature that subdomains have of their own.
"""

from ...errors import InputError
from .blocks import ParameterDecomposition
from .data import DataDecomposition
from .decomposition import Decomposition
from .stages import StageDecomposition, UndividedStages

DECOMPOSITIONS: dict[str, Decomposition] = {
    found.name: found for found in (DataDecomposition(), ParameterDecomposition(), StageDecomposition())
}
UNDIVIDED = UndividedStages()  # stages where every rank holds the whole network


def find_decomposition(given: str | Decomposition) -> Decomposition:
    """Return a decomposition given by its name, or by itself.

    Raises:
        InputError: There is none of that name.
    """
    if isinstance(given, Decomposition):
        return given
    if given not in DECOMPOSITIONS:
        raise InputError(f"unknown decomposition {given!r}; choose one of {', '.join(DECOMPOSITIONS)}")
    return DECOMPOSITIONS[given]


__all__ = ["DECOMPOSITIONS", "UNDIVIDED", "Decomposition", "find_decomposition"]
