"""Networks: the multilayer perceptron, embeddings, the modified MLP, and any user's module."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from .derivatives.activations import ACTIVATIONS, Sine, _cos, _sin
from .derivatives.taylor import Channels, apply_elementwise, find_rule, multiply, propagate, rule
from .problems import Problem

ACTIVATION_NAMES: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "sin": Sine,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
}
assert set(ACTIVATION_NAMES.values()) <= set(ACTIVATIONS)

FIELD = (16, 16)  # hidden widths of the network of an unknown of fewer coordinates

NetworkSpec = nn.Module | Sequence[int] | Callable[[int, int], nn.Module]


class MLP(nn.Sequential):
    """A multilayer perceptron: affine layers with an activation between them.

    Args:
        widths: Units of every layer, inputs and outputs included, for example (2, 20, 20, 20, 1).
        activation: One of "tanh", "sin", "gelu", "silu", "softplus".

    Raises:
        ValueError: Fewer than two widths, a width that is not positive, or an unknown activation.
    """

    def __init__(self, widths: Sequence[int], activation: str = "tanh") -> None:
        if len(widths) < 2 or any(int(w) != w or w < 1 for w in widths):
            raise ValueError(f"widths must be at least two positive integers, not {tuple(widths)}")
        if activation not in ACTIVATION_NAMES:
            raise ValueError(
                f"unknown activation {activation!r}; choose one of {', '.join(ACTIVATION_NAMES)}"
            )
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            layers += [nn.Linear(inputs, outputs)]
            layers += [ACTIVATION_NAMES[activation]()] if i < len(widths) - 2 else []
        super().__init__(*layers)
        self.widths, self.activation = tuple(widths), activation

    @property
    def intact(self) -> bool:
        """Whether it still is what the constructor made, and no layer was exchanged, shared or hooked."""
        kinds = [nn.Linear, ACTIVATION_NAMES[self.activation]] * (len(self.widths) - 1)
        if type(self) is not MLP or [type(layer) for layer in self] != kinds[:-1]:
            return False
        shapes: list[tuple[int, ...]] = []
        for inputs, outputs in zip(self.widths[:-1], self.widths[1:], strict=True):
            shapes += [(outputs, inputs), (outputs,)]
        same = [tuple(p.shape) for p in self.parameters()] == shapes
        return same and all(find_rule(layer) is not None for layer in (self, *self))


class FourierFeatures(nn.Module):
    """Random Fourier features, x -> (cos Bx, sin Bx) with B ~ N(0, (pi scale)^2).

    Source: Tancik et al., arXiv:2006.10739.

    Args:
        inputs: Number of inputs.
        count: Number of frequencies; there are 2 count outputs.
        scale: Standard deviation of the frequencies, in half periods over the inputs' range [-1, 1].
        generator: Draws B.
    """

    frequencies: Tensor

    def __init__(self, inputs: int, count: int, scale: float, generator: Generator | None = None) -> None:
        super().__init__()
        draw = torch.randn(count, inputs, generator=generator, dtype=torch.float64)
        self.register_buffer("frequencies", (math.pi * scale * draw).to(torch.get_default_dtype()))

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs] -> [N, 2 count]."""
        angle = x @ self.frequencies.T
        return torch.cat([torch.cos(angle), torch.sin(angle)], -1)


class PeriodicEmbedding(nn.Module):
    """Replaces one input by cos and sin of it, harmonics 1 .. count, so that the network is periodic in it.

    Args:
        axis: Position of the input.
        period: Its period, in the unit of the input.
        count: Number of harmonics.
    """

    def __init__(self, axis: int, period: float, count: int = 1) -> None:
        super().__init__()
        if not (period > 0 and count >= 1):
            raise ValueError(f"period must be positive and count at least 1, not {period} and {count}")
        self.axis, self.period, self.count = axis, period, count

    def angles(self, x: Tensor) -> Tensor:
        """The angles of all harmonics, [..., count]."""
        harmonics = torch.arange(1, self.count + 1, dtype=x.dtype, device=x.device)
        return x[..., self.axis : self.axis + 1] * (2 * math.pi / self.period) * harmonics

    def forward(self, x: Tensor) -> Tensor:
        """[N, W] -> [N, W - 1 + 2 count]; the other inputs keep their order and come first."""
        angle = self.angles(x)
        others = torch.cat([x[..., : self.axis], x[..., self.axis + 1 :]], -1)
        return torch.cat([others, torch.cos(angle), torch.sin(angle)], -1)


class ModifiedMLP(nn.Module):
    """The gated MLP of Wang, Teng & Perdikaris (arXiv:2001.04536): h <- s(Wh + b) * U + (1 - s(Wh + b)) * V.

    Args:
        widths: As for `MLP`; all hidden widths are equal.
        activation: As for `MLP`.
    """

    def __init__(self, widths: Sequence[int], activation: str = "tanh") -> None:
        super().__init__()
        if len(widths) < 3 or len(set(widths[1:-1])) != 1:
            raise ValueError(f"a modified MLP needs equal hidden widths, not {tuple(widths)}")
        inputs, width, outputs = widths[0], widths[1], widths[-1]
        if activation not in ACTIVATION_NAMES:
            raise ValueError(
                f"unknown activation {activation!r}; choose one of {', '.join(ACTIVATION_NAMES)}"
            )
        self.activation = ACTIVATION_NAMES[activation]()
        self.gate_u, self.gate_v = nn.Linear(inputs, width), nn.Linear(inputs, width)
        self.layers = nn.ModuleList(
            [nn.Linear(inputs if i == 0 else width, width) for i in range(len(widths) - 2)]
        )
        self.last = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        u, v = self.activation(self.gate_u(x)), self.activation(self.gate_v(x))
        for layer in self.layers:
            s = self.activation(layer(x))
            x = v + s * (u - v)
        return self.last(x)  # type: ignore[no-any-return]


class SideBySide(nn.Module):
    """Networks beside each other, each with some of the inputs and some of the outputs.

    Args:
        networks: The networks.
        inputs: For each the positions of its inputs.
        outputs: For each the positions of its outputs.
    """

    def __init__(
        self, networks: Sequence[nn.Module], inputs: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.inputs = [list(columns) for columns in inputs]
        together = [j for columns in outputs for j in columns]
        self.order = [together.index(j) for j in range(len(together))]

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        pairs = zip(self.networks, self.inputs, strict=True)
        return torch.cat([network(x[..., columns]) for network, columns in pairs], -1)[..., self.order]


@rule(SideBySide)
def _side_by_side(module: SideBySide, bundle: Tensor, channels: Channels) -> Tensor:
    pairs = zip(module.networks, module.inputs, strict=True)
    out = [propagate(network, bundle[..., columns], channels) for network, columns in pairs]
    return torch.cat(out, -1)[..., module.order]


@rule(FourierFeatures)
def _fourier(module: FourierFeatures, bundle: Tensor, channels: Channels) -> Tensor:
    angle = bundle @ module.frequencies.T
    return torch.cat([apply_elementwise(f, angle, channels) for f in (_cos, _sin)], -1)


@rule(PeriodicEmbedding)
def _periodic(module: PeriodicEmbedding, bundle: Tensor, channels: Channels) -> Tensor:
    angle = module.angles(bundle)
    others = torch.cat([bundle[..., : module.axis], bundle[..., module.axis + 1 :]], -1)
    return torch.cat([others, *(apply_elementwise(f, angle, channels) for f in (_cos, _sin))], -1)


@rule(ModifiedMLP)
def _modified(module: ModifiedMLP, bundle: Tensor, channels: Channels) -> Tensor:
    u = propagate(module.activation, propagate(module.gate_u, bundle, channels), channels)
    v = propagate(module.activation, propagate(module.gate_v, bundle, channels), channels)
    for layer in module.layers:
        s = propagate(module.activation, propagate(layer, bundle, channels), channels)
        bundle = v + multiply(s, u - v, channels)
    return propagate(module.last, bundle, channels)


def initialise(module: nn.Module, generator: Generator) -> None:
    """Glorot-normal weights and zero biases for every affine layer, drawn from a generator."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            std = math.sqrt(2.0 / (layer.in_features + layer.out_features))
            draw = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float64) * std
            with torch.no_grad():
                layer.weight.copy_(draw)
                if layer.bias is not None:
                    layer.bias.zero_()


def build_network(
    spec: NetworkSpec,
    inputs: int,
    outputs: int,
    generator: Generator,
    dtype: torch.dtype,
    activation: str = "tanh",
) -> nn.Module:
    """A network from what the user gave.

    Args:
        spec: Hidden widths, a module mapping [N, inputs] to [N, outputs], or a function (inputs, outputs) ->
            module.
        inputs: Number of features of the problem.
        outputs: Number of unknowns.
        generator: Draws the initial weights of a network made here (a user's module keeps its own).
        dtype: Precision.
        activation: Of a network given by widths.

    Raises:
        ValueError: The module does not map [N, inputs] to [N, outputs].
    """
    if isinstance(spec, nn.Module):
        network = spec.to(dtype)
    elif callable(spec):
        network = spec(inputs, outputs).to(dtype)
        initialise(network, generator)
    else:
        network = MLP((inputs, *spec, outputs), activation).to(dtype)
        initialise(network, generator)
    parameter = next(network.parameters(), None)
    if parameter is None:
        raise ValueError("the network has no parameters to train")
    try:
        with torch.no_grad():
            out = network(torch.zeros(3, inputs, dtype=dtype, device=parameter.device))
    except Exception as error:  # whatever a user's module raises
        raise ValueError(f"the network does not accept {inputs} inputs: {error}") from error
    if not isinstance(out, Tensor) or out.shape != (3, outputs):
        found = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"the network maps 3 points to {found}; it must be shape (3, {outputs})")
    return network


def independent(problem: Problem) -> tuple[str, ...]:
    """The unknowns of fewer coordinates than the domain has."""
    return tuple(u.name for u in problem.functions if not u.reads(problem.domain.names))


def network_of(
    problem: Problem, spec: NetworkSpec, generator: Generator, dtype: torch.dtype, activation: str = "tanh"
) -> nn.Module:
    """The network of a problem: features [N, F] to the unknowns' N_j, [N, m].

    Unknowns of fewer coordinates get networks of their own, small ones, which read the features of these
    coordinates only.

    Args:
        problem: The problem.
        spec: As of `build_network`; of the unknowns of all coordinates.
        generator: Draws the weights.
        dtype: Precision.
        activation: Of networks given by widths.

    Raises:
        ValueError: As `build_network`; or a module is given where several networks are needed.
    """
    ansatz, names = problem.ansatz, problem.unknown_names
    apart = independent(problem)
    if not apart:
        return build_network(spec, len(ansatz.feature_names), len(names), generator, dtype, activation)
    if isinstance(spec, nn.Module):
        raise ValueError(
            f"{apart[0]} needs a network of its own beside the one given; give widths, or a function "
            "(inputs, outputs) -> module"
        )
    groups: dict[tuple[int, ...], list[int]] = {}
    for j, name in enumerate(names):
        groups.setdefault(ansatz.inputs[name], []).append(j)
    networks = [
        build_network(
            FIELD if names[outputs[0]] in apart else spec,
            len(inputs),
            len(outputs),
            generator,
            dtype,
            activation,
        )
        for inputs, outputs in groups.items()
    ]
    return SideBySide(networks, [*groups], [*groups.values()])


def network_maker(
    spec: NetworkSpec, dtype: torch.dtype, activation: str = "tanh"
) -> Callable[[Problem], nn.Module]:
    """Makes networks of one kind for several problems; arguments as of `network_of`."""

    def make(problem: Problem) -> nn.Module:
        own = copy.deepcopy(spec) if isinstance(spec, nn.Module) else spec
        return network_of(problem, own, Generator().manual_seed(1), dtype, activation)

    return make
