"""Interface of decompositions, the ways to divide the training of a network into subdomains.

A decomposition says what a subdomain minimises and which parameters it moves (`divide`), and how the
optimizers have to treat the subdomains: whether they move the same parameters, who holds these, and what
suits them by default.  A new one is a subclass of `Decomposition` and a row of `DECOMPOSITIONS` in
`sapts/__init__.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Generator, Tensor

from ...objectives.base import Objective, Separable
from ...objectives.data_parallel import DataParallelObjective
from ...parallel.communicator import Communicator
from ..curvature.make import curvature_by_size
from .exchange import Division
from .subdomain import Subdomain


@dataclass(frozen=True)
class Cut:
    """Settings of a division of an objective.

    Attributes:
        count: Number of subdomains over all ranks, a multiple of the number of ranks.
        kind: Which of its ways a decomposition takes.
        overlap: By how much subdomains of the data are enlarged.
        consistent: Whether subdomains of the data get the linear term.
        additive: Whether every subdomain is a group of its own; else there is one group per rank.
        generator: Source of all randomness, in the same state on every rank.
        communicator: The ranks.
        pieces: Of the points, in which blocks of parameters evaluate f; 0 for one per rank.
    """

    count: int
    kind: str
    overlap: float
    consistent: bool
    additive: bool
    generator: Generator
    communicator: Communicator
    pieces: int = 0

    @property
    def shares(self) -> list[range]:
        """The numbers of every rank's subdomains."""
        each = self.count // self.communicator.size
        return [range(rank * each, (rank + 1) * each) for rank in range(self.communicator.size)]

    @property
    def mine(self) -> range:
        """The numbers of this rank's subdomains."""
        return self.shares[self.communicator.rank]

    def division(
        self,
        objective: Objective,
        whole: Objective,
        subdomains: Sequence[Subdomain],
        decomposition: Decomposition,
        total: DataParallelObjective | None = None,
        shares: Sequence[range] | None = None,
    ) -> Division:
        """Arrange this rank's subdomains in groups.

        Args:
            objective: What was divided.
            whole: The same function, evaluated by all ranks together.
            subdomains: Those of this rank.
            decomposition: What has made them.
            total: The whole, where it is a sum over pieces of the points.
            shares: The numbers of every rank's subdomains, where they are not as many on each.
        """
        groups = [[part] for part in subdomains] if self.additive else [list(subdomains)]
        sizes = [[1] * len(share) if self.additive else [len(share)] for share in shares or self.shares]
        ranks, shared, sharded = self.communicator, decomposition.shared, decomposition.sharded
        return Division(objective, whole, groups, ranks, shared, sharded, sizes, total)


class Decomposition(ABC):
    """A way to divide the training of a network into subdomains.

    Attributes:
        name: Its row in `DECOMPOSITIONS`.
        shared: Whether every subdomain moves all parameters, so that one model of the curvature serves all.
        sharded: Whether a rank holds the parameters of its own subdomains only.
        teaches: Whether subdomains know their gradients in all parameters, so that their pairs are of f.
        kind: How it cuts if nothing else is asked for.
        combination: How the corrections of its groups are combined by default.
        parts: Usual number of subdomains in one process.
        options: Settings of `Sweep` with which its named methods differ from the defaults.
    """

    name: ClassVar[str]
    shared: ClassVar[bool] = False
    sharded: ClassVar[bool] = False
    teaches: ClassVar[bool] = True
    kind: ClassVar[str] = "layers"
    combination: ClassVar[str] = "sum"
    parts: ClassVar[int] = 4
    options: ClassVar[Mapping[str, object]] = {
        "kind": "layers",
        "visits": 0,
        "order": "additive",
        "global_steps": 1,
    }

    @abstractmethod
    def divide(self, objective: Objective, cut: Cut) -> Division:
        """Cut an objective into subdomains and keep those of this rank.

        Args:
            objective: The whole, on this rank.
            cut: How.

        Raises:
            TypeError: The objective cannot be cut that way.
            InputError: There is less to cut than subdomains.
        """

    def blocks(self, parameters: Sequence[Tensor], count: int, kind: str | None) -> list[Tensor] | None:
        """The parameters of each subdomain, as indices into the flat vector; None where all move all.

        Args:
            parameters: The trained tensors.
            count: Number of subdomains.
            kind: How they are cut; None chooses.
        """
        return None

    def curvature(self, n: int, ranks: int = 1) -> str:
        """Name of the default model of the curvature of the whole.

        Args:
            n: Number of parameters of all ranks.
            ranks: Number of ranks that divide the rows of a dense matrix.
        """
        return curvature_by_size(n, ranks)


def summed(
    objective: Separable, pieces: Sequence[Separable], communicator: Communicator
) -> DataParallelObjective:
    """The sum of an objective's pieces over all ranks, which records the loss by terms.

    Args:
        objective: The objective.
        pieces: Those of this rank.
        communicator: The ranks.
    """
    objective.last_terms = dict.fromkeys(objective.term_names, 0.0)
    return DataParallelObjective(pieces, communicator, objective.last_terms)
