"""Model of a problem: a network inside the ansatz, and the unknown coefficients.

    u_j(x) = g_j(x) + U_j l_j(x) N_j(features(x)),     or init_j exp(that) where u_j is positive

with U_j the natural size of the unknown (`problems.scales`; one where it is positive).

At a set of points everything but N is constant: `Location` computes the jets of g, l and the features
once, so that an evaluation is one pass of the network and one application of Leibniz' rule.

A model can be freed from the symmetries of its ansatz in the middle of a training: what it is becomes a known
part of the unknowns, and a new network that starts from zero adds what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy

import torch
from torch import Tensor, nn

from ..derivatives.activations import exponential
from ..derivatives.multi_index import MultiIndex
from ..derivatives.taylor import Channels, apply_elementwise, multiply, propagate
from ..errors import InputError
from ..problems import Problem
from ..problems.fields import Field, derivatives
from .by_value import ByValue
from .freeing import freed, silence
from .mlp import MLP

VALUES = Channels([()])


class Model(ByValue, nn.Module):
    """A network inside a problem's ansatz.

    Args:
        problem: Gives the ansatz and the coefficients.
        network: Maps features [N, F] to the unknowns' N_j, [N, m].
        architecture: Makes such a network for another problem, which `free` needs.

    Attributes:
        frozen: The network of the time before `free`, or None.
        coefficients: What is trained for the coefficients, by name: the logarithms of positive ones.
    """

    def __init__(
        self,
        problem: Problem,
        network: nn.Module,
        architecture: Callable[[Problem], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.problem = problem
        self.network = network
        self.architecture = architecture
        self.frozen: nn.Module | None = None
        like = next(network.parameters())
        if like.dtype != torch.float64 and any(c.joins_regions for c in problem.conditions):
            raise InputError(
                f"{problem.name} has regions, whose two sides are too close for {like.dtype}; leave out "
                "dtype, or set it to float64"
            )
        self.coefficients = nn.ParameterDict(
            {name: nn.Parameter(value.to(like)) for name, value in problem.initial_parameters.items()}
        )

    def free(self) -> None:
        """Drop the symmetries of the ansatz; the model still represents the same function.

        Raises:
            InputError: There is no network for the ansatz without symmetries.
        """
        if self.architecture is None:
            raise InputError(
                f"a symmetry of {self.problem.name} does not hold, and there is no way to make a network "
                "without it; give symmetry=False to the problem"
            )
        problem = freed(self.problem, self.network)
        network = self.architecture(problem).to(self.like)
        silence(network)
        self.frozen = self.network.requires_grad_(False)
        self.problem, self.network = problem, network

    def _load_from_state_dict(self, state_dict: Mapping[str, object], prefix: str, *args: object) -> None:
        if self.frozen is None and any(name.startswith(f"{prefix}frozen.") for name in state_dict):
            self.free()  # as it was when it was saved
        super()._load_from_state_dict(state_dict, prefix, *args)

    def values(self) -> dict[str, float]:
        """Values of the coefficients by name."""
        parameters = {name: p.detach() for name, p in self.coefficients.items()}
        return {name: value.item() for name, value in self.problem.values_of(parameters).items()}

    @property
    def like(self) -> Tensor:
        """A parameter of the network, as an example of its precision and device."""
        return next(self.network.parameters())

    def forward(self, points: Tensor) -> Tensor:
        """Values of the unknowns [N, m] at points [N, dim], differentiable in the points.

        It consists of operations of PyTorch for any N, as `torch.export` and `torch.jit.trace` need them.
        """
        points, ansatz = points.to(self.like), self.problem.ansatz
        outputs = propagate(self.network, ansatz.features(points).unsqueeze(0), VALUES)[0]
        columns = []
        for name, output in zip(self.problem.unknown_names, outputs.unbind(1), strict=True):
            factor, extension = ansatz.factor[name], ansatz.extension[name]
            scaled = self.problem.natural.unknowns[name] * output
            value = scaled if factor is None else factor(points) * scaled
            value = value if extension is None else value + extension(points)
            columns.append(ansatz.positive[name] * value.exp() if name in ansatz.positive else value)
        return torch.stack(columns, 1)


class Location:
    """A set of points with the jets there that do not depend on the parameters.

    Args:
        model: The model.
        points: [N, dim].
        needs: The derivatives wanted of each unknown.

    Attributes:
        channels: The multi-indices of the jets.
        inputs: The jet [C, N, F] of the network's trainable part's inputs.
        trainable: That part: the network without the embeddings it starts with.
    """

    def __init__(self, model: Model, points: Tensor, needs: Mapping[str, Iterable[MultiIndex]]) -> None:
        problem, like = model.problem, model.like
        self.names, self.unknowns = problem.domain.names, problem.unknown_names
        points = points.to(like)
        self.channels = Channels(index for indices in needs.values() for index in indices)
        prefix, self.trainable = split_embedding(model.network)
        with torch.no_grad():
            # Column by column: a reverse pass through all of them at once visits all for each.
            features = torch.stack([self._jet(f, points) for f in problem.ansatz.columns], 2)
            self.inputs = propagate(prefix, features, self.channels).detach()
            self._positive = problem.ansatz.positive
            self._extension, self._factor = (
                [None if f is None else self._jet(f, points) for f in map(parts.get, self.unknowns)]
                for parts in (problem.ansatz.extension, problem.ansatz.factor)
            )
        self._size = problem.natural.unknowns

    def _jet(self, function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
        return torch.stack(derivatives(function, points, self.channels.indices))

    def at(self, index: Tensor) -> Location:
        """Location at some of the points, by their numbers [k]: the jets are taken over, not computed."""
        chosen = copy(self)
        index = index.to(self.inputs.device)
        chosen.inputs = self.inputs[:, index]
        chosen._extension, chosen._factor = (
            [None if jet is None else jet[:, index] for jet in jets]
            for jets in (self._extension, self._factor)
        )
        return chosen

    def network_jet(self) -> Tensor:
        """Jet of the network [C, m, N] by PyTorch, differentiable in the parameters."""
        return propagate(self.trainable, self.inputs, self.channels).transpose(1, 2)

    def fields(self, jet: Tensor) -> dict[str, Field]:
        """Fields of the unknowns by name, from the network's jet [C, m, N]."""
        out = {}
        for j, name in enumerate(self.unknowns):
            channels, factor, extension = jet[:, j], self._factor[j], self._extension[j]
            if self._size[name] != 1:
                channels = self._size[name] * channels
            if factor is not None:
                channels = multiply(factor, channels, self.channels)
            if extension is not None:
                channels = channels + extension
            if name in self._positive:
                channels = self._positive[name] * apply_elementwise(exponential, channels, self.channels)
            out[name] = Field(name, self.names, _lookup(channels.unbind(0), self.channels))
        return out


def _lookup(channels: tuple[Tensor, ...], order: Channels) -> Callable[[MultiIndex], Tensor]:
    return lambda index: channels[order.position[index]]


def split_embedding(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Split a sequential network into the parameter-free modules it starts with, and the rest."""
    if isinstance(network, MLP) or not isinstance(network, nn.Sequential):
        return nn.Identity(), network
    layers = list(network)
    count = next(i for i, layer in enumerate(layers) if any(True for _ in layer.parameters()))
    rest = layers[count] if count == len(layers) - 1 else nn.Sequential(*layers[count:])
    return nn.Sequential(*layers[:count]), rest
