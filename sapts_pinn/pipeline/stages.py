"""A network as a chain of stages, of which every rank holds its own.

    net = phi_S o ... o phi_1,      phi_s a run of consecutive layers with the parameters theta_s

The layers of other ranks stay in the network as shapes without storage (PyTorch's meta device).  So every
rank knows all names, all sizes and the shape of what travels from stage to stage, and holds nothing else of
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from ..derivatives.taylor import Channels, propagate
from ..errors import InputError
from ..networks.model import Model, split_embedding
from ..parallel.communicator import Communicator, SingleProcess
from ..problems import Problem
from .partition import balance, count_parameters, stage_chain


class Stage(nn.Module):
    """Consecutive layers of a network; the last stage also holds the unknown coefficients of a problem.

    Args:
        layers: The layers.
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self.coefficients = nn.ParameterDict()

    def forward(self, x: Tensor, channels: Channels | None = None) -> Tensor:
        """Carry a Taylor jet [C, N, W] through the layers, or without channels any input."""
        if channels is None:
            out: Tensor = self.layers(x)
            return out
        return propagate(self.layers, x, channels)

    def trained(self) -> dict[str, nn.Parameter]:
        """Trained parameters by their names in this stage."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def snapshot(self) -> dict[str, Tensor]:
        """Copy the trained parameters, to differentiate by; the copies stay when the parameters move."""
        return {name: p.detach().clone().requires_grad_() for name, p in self.trained().items()}

    def at(self, weights: dict[str, Tensor], x: Tensor, channels: Channels | None) -> Tensor:
        """Output for input x with the weights of a snapshot."""
        out: Tensor = torch.func.functional_call(self, weights, (x, channels))
        return out

    def known(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Coefficients by name, from a snapshot where they are trained."""
        return {
            name: weights.get(f"coefficients.{name}", value.detach())
            for name, value in self.coefficients.items()
        }


class StageChain:
    """A network cut into stages, of which this rank holds its own.

    Args:
        network: The network, or what `build_partly` made of it.  It is taken over: the layers of stages on
            other ranks lose their storage.
        parts: Number of stages.
        communicator: The ranks (default: this process alone); each gets consecutive stages.

    Attributes:
        stages: All stages; those of other ranks are shapes only.
        shares: Positions of the stages of each rank.
        owned: Positions of this rank's stages.

    Raises:
        InputError: The network cannot be cut like this, or there are fewer stages than ranks.
    """

    def __init__(self, network: nn.Module, parts: int, communicator: Communicator | None = None) -> None:
        self.network, self.communicator = network, communicator or SingleProcess()
        self.stages = [Stage(layers) for layers in stage_chain(network, parts)]
        if parts < self.communicator.size:
            raise InputError(
                f"{parts} stages are too few for {self.communicator.size} ranks; every rank needs one"
            )
        sizes = [count_parameters([stage]) for stage in self.stages]
        self.shares = balance(sizes, self.communicator.size)
        self.owned = self.shares[self.communicator.rank]
        for s, stage in enumerate(self.stages):
            if s not in self.owned:
                stage.to("meta")
        self._shapes: dict[tuple[torch.Size, torch.dtype], list[Tensor]] = {}

    @property
    def own(self) -> dict[int, Stage]:
        """Stages of this rank by position."""
        return {s: self.stages[s] for s in self.owned}

    @property
    def first(self) -> bool:
        """True on the rank that has the first stage."""
        return 0 in self.owned

    @property
    def last(self) -> bool:
        """True on the rank that has the last stage."""
        return len(self.stages) - 1 in self.owned

    @property
    def like(self) -> Tensor:
        """A parameter of this rank, for its precision and device."""
        return next(self.stages[self.owned.start].parameters())

    @property
    def sizes(self) -> list[int]:
        """Number of trained parameters of every stage."""
        return [sum(p.numel() for p in stage.trained().values()) for stage in self.stages]

    def shapes(self, inputs: Tensor) -> list[Tensor]:
        """Output of each stage for such inputs [N, ...], as tensors without storage."""
        key = inputs.shape, inputs.dtype
        if key not in self._shapes:
            found, x = [], inputs.to("meta")
            for stage in self.stages:
                x = shape_of(stage, x)
                found.append(x)
            self._shapes[key] = found
        return self._shapes[key]

    def receive(self, like: Tensor, step: int) -> Tensor:
        """Receive a tensor like `like` from the rank before (step -1) or after (step 1)."""
        like = torch.empty_like(like, device=self.like.device)
        return self.communicator.receive(like, self.communicator.rank + step)

    def send(self, tensor: Tensor, step: int) -> None:
        """Send a tensor to the rank before or after."""
        self.communicator.send(tensor.contiguous(), self.communicator.rank + step)

    def from_last(self, tensor: Tensor) -> Tensor:
        """Broadcast a tensor of the last stage's rank; the others give any of that shape and type."""
        return self.communicator.broadcast(tensor.contiguous(), self.communicator.size - 1)

    def parameters(self) -> list[Tensor]:
        """Trained parameters of this rank, stage by stage."""
        return [p for stage in self.own.values() for p in stage.trained().values()]

    def memory(self) -> tuple[int, int]:
        """Bytes of the parameters of this rank, and of the whole network."""
        held = [sum(p.numel() * p.element_size() for p in stage.parameters()) for stage in self.stages]
        return sum(held[s] for s in self.owned), sum(held)

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers of this rank, by their names in the whole network."""
        return {name: t for name, t in self.network.state_dict().items() if t.device.type != "meta"}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load this rank's parameters and buffers from its own state, or from that of the whole network.

        Raises:
            InputError: One of them is missing or has another shape.
        """
        own = self.state_dict()
        for name, tensor in own.items():
            if name not in state or state[name].shape != tensor.shape:
                found = tuple(state[name].shape) if name in state else "nothing"
                raise InputError(
                    f"the state has {found} for {name} of shape {tuple(tensor.shape)}; "
                    "it was saved with another network or another number of stages"
                )
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[name])


class ModelStageChain(StageChain):
    """Chain of a problem's model, inside the ansatz; the last stage has the coefficients.

    The names in its state are those of `Model(problem, network)`.

    Args:
        problem: Gives the ansatz and the coefficients.
        network: As for `StageChain`; maps features [N, F] to the unknowns' N_j, [N, m].  Embeddings that it
            starts with are computed once for every set of points.
        parts: Number of stages.
        communicator: The ranks.

    Attributes:
        part: A `Model` around this rank's first stage, for what does not depend on the parameters.
        embedding: What comes before the first parameter; shapes only on ranks without the first stage.

    Raises:
        InputError: As for `StageChain`.
    """

    def __init__(
        self, problem: Problem, network: nn.Module, parts: int, communicator: Communicator | None = None
    ) -> None:
        super().__init__(network, parts, communicator)
        self.problem = problem
        self.part = Model(problem, self.stages[self.owned.start].layers)
        self.embedding, self.stages[0].layers = split_embedding(self.stages[0].layers)
        self.stages[-1].coefficients = self.part.coefficients
        if not self.last:
            self.stages[-1].to("meta")

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers of this rank, by their names in the whole model."""
        state = {f"network.{name}": t for name, t in super().state_dict().items()}
        if self.last:
            state |= {f"coefficients.{name}": p.detach() for name, p in self.part.coefficients.items()}
        return state

    def coefficients(self) -> dict[str, float]:
        """Values of the coefficients by name, on every rank; collective."""
        held = self.part.coefficients
        if not held:
            return {}
        values = [p.detach() if self.last else torch.zeros_like(p, device="cpu") for p in held.values()]
        told = self.from_last(torch.stack(values).to(self.like.device))
        known = self.problem.values_of(dict(zip(held, told.unbind(), strict=True)))
        return {name: value.item() for name, value in known.items()}


def merge(shards: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Merge the states of all ranks into that of the whole network, or model.

    Args:
        shards: Result of `state_dict` on each rank.

    Returns:
        State for `load_state_dict` of the undivided network, or `Model`.
    """
    return {name: tensor for shard in shards for name, tensor in shard.items()}


def shape_of(module: nn.Module, x: Tensor) -> Tensor:
    """Compute the shape and type of an output, as a tensor without storage."""
    state = {name: t.to("meta") for name, t in [*module.named_parameters(), *module.named_buffers()]}
    with torch.no_grad():
        out: Tensor = torch.func.functional_call(module, state, (x,))
    return out
