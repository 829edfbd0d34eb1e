"""A network on samples, divided into stages for SAPTS_IP: each rank holds the parameters of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from ..errors import InputError
from ..objectives.base import Separable, drawing
from ..parallel.communicator import Communicator
from ..pipeline.microbatch import MicroBatch, samples
from ..pipeline.pipeline_objective import PipelineObjective
from ..pipeline.sharded_model import Sharded
from ..pipeline.stages import StageChain
from .objective import Supervised

BETWEEN = 7919  # the seeds of two chunks


class StagedSupervised(PipelineObjective, Separable):
    """The loss of `Supervised` with the network as a chain of stages; any subset of its samples is one again.

    Value and gradient are those of the undivided loss; what dropout draws is drawn stage by stage and chunk
    by chunk, hence others, but the same at every look as well.  Every rank has the samples.

    Args:
        objective: The loss.
        chain: Of its network.

    Raises:
        InputError: The chain is of another network.
    """

    coordinates = Supervised.coordinates
    term_names = Supervised.term_names

    def __init__(self, objective: Supervised, chain: StageChain) -> None:
        if objective.module is not chain.network:
            raise InputError(
                f"the chain is of a {type(chain.network).__name__} other than the objective's network; "
                "make it of objective.module"
            )
        for stage in chain.stages:
            stage.train()
        self.whole, self.sites = objective, objective.sites
        micro_batches = [
            self._micro_batch(chain, piece, BETWEEN * number)
            for number, piece in enumerate(objective.index.split(objective.chunk))
        ]
        super().__init__(
            chain, micro_batches, objective.counters, objective.share, recomputes=len(micro_batches) > 1
        )

    def _micro_batch(self, chain: StageChain, piece: Tensor, offset: int) -> MicroBatch:
        objective = self.whole
        inputs, targets = objective.inputs[piece], objective.targets[piece]
        weight, seed = objective.factor * len(piece) / len(objective.index), objective.seed + offset
        if objective.vary is not None:
            with drawing(seed, [inputs.device]):
                inputs = objective.vary(inputs, piece)
        return samples(chain, inputs, lambda outputs: weight * objective.loss(outputs, targets), seed=seed)

    def restrict(self, part: Mapping[str, Tensor], estimate: bool = False) -> StagedSupervised:
        """Restrict the objective to some of its samples; see `Separable.restrict`."""
        return StagedSupervised(self.whole.restrict(part, estimate), self.chain)

    def on_epoch_end(self) -> None:
        """Vary the samples anew."""
        self.whole.on_epoch_end()

    def copy(self) -> StagedSupervised:
        """Copy of the objective with a record of its own."""
        return StagedSupervised(self.whole, self.chain)


class ShardedNetwork(Sharded):
    """A network as a chain of stages, used like the network itself: in training mode, or not.

    Args:
        make: Makes the network, with the same weights on every rank; those of others' stages are dropped.
        parts: Number of stages.
        communicator: The ranks.

    Raises:
        InputError: The network cannot be cut into so many stages.
    """

    def __init__(self, make: Callable[[], nn.Module], parts: int, communicator: Communicator) -> None:
        self.make, self.communicator = make, communicator
        self.chain = StageChain(make(), parts, communicator)
        self.training = True

    def __call__(self, inputs: Tensor) -> Tensor:
        """The outputs [N, ...] for inputs [N, ...], on every rank."""
        return PipelineObjective.of_data(self.chain, inputs, lambda outputs: outputs).predict(inputs)

    def train(self, mode: bool = True) -> ShardedNetwork:
        """With dropout and the statistics of each batch, or with the means of all batches."""
        self.training = mode
        for stage in self.chain.stages:
            stage.train(mode)
        return self

    def eval(self) -> ShardedNetwork:
        """Switch to evaluation mode."""
        return self.train(False)

    def undivided(self) -> nn.Module:
        """Made anew."""
        return self.make()
