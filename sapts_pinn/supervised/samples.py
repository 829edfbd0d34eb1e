"""The samples of a run, as the training loop wants them (`training.Points`)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.optimizer import StateDict

from ..objectives.base import Counters
from ..parallel.communicator import Communicator
from ..problems import Sites
from .augmentation import CropAndFlip
from .objective import SAMPLES_AT_ONCE, Loss, Supervised
from .staged import ShardedNetwork, StagedSupervised


@dataclass
class Samples:
    """Samples with targets, varied anew from time to time.

    Attributes:
        inputs: [N, ...].
        targets: [N, ...].
        loss: As of `Supervised`.
        augmentation: Varies pictures, or None.
        chunk: At most so many samples go through the network at a time.
        round: How often they were drawn; decides what dropout draws.
        sites: Their numbers.
    """

    inputs: Tensor
    targets: Tensor
    loss: str | Loss = "cross-entropy"
    augmentation: CropAndFlip | None = None
    chunk: int = SAMPLES_AT_ONCE
    round: int = 0
    sites: dict[str, Sites] = field(default_factory=dict)

    def draw(self) -> None:
        """The samples are there from the start."""
        self.sites = {"samples": Sites(torch.arange(len(self.inputs)).unsqueeze(1).double())}

    def redraw(self, model: nn.Module | ShardedNetwork) -> None:
        """Vary them anew."""
        self.round += 1
        if self.augmentation is not None:
            self.augmentation.draw()

    def balance(self, model: nn.Module | ShardedNetwork, ranks: Communicator) -> bool:
        """There is nothing to balance."""
        return False

    def objective(
        self, model: nn.Module | ShardedNetwork, counters: Counters, threads: int
    ) -> Supervised | StagedSupervised:
        """The loss of a network on all of them."""
        seed = self.round * len(self.inputs)  # those of batches follow
        network = model.chain.network if isinstance(model, ShardedNetwork) else model
        whole = Supervised(
            network, self.inputs, self.targets, self.loss, self.chunk, seed, self.augmentation, counters
        )
        return StagedSupervised(whole, model.chain) if isinstance(model, ShardedNetwork) else whole

    def state_dict(self) -> StateDict:
        """State of what is random in the samples."""
        varied = None if self.augmentation is None else self.augmentation.state_dict()
        return {"round": self.round, "augmentation": varied}

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self.draw()
        self.round = state["round"]
        if self.augmentation is not None:
            self.augmentation.load_state_dict(state["augmentation"])
