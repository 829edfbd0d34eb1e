"""Construction and initialisation of networks from what a user gives."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from ..derivatives.activations import ACTIVATIONS
from ..errors import InputError
from ..problems import Problem
from .mlp import ACTIVATION_NAMES, MLP
from .side_by_side import SideBySide

assert set(ACTIVATION_NAMES.values()) <= set(ACTIVATIONS)

FIELD = (16, 16)  # hidden widths of the network of an unknown of fewer coordinates

NetworkSpec = nn.Module | Sequence[int] | Callable[[int, int], nn.Module]


def initialise(module: nn.Module, generator: Generator) -> None:
    """Set every affine layer to Glorot-normal weights, drawn from a generator, and zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            std = math.sqrt(2.0 / (layer.in_features + layer.out_features))
            draw = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float64) * std
            with torch.no_grad():
                layer.weight.copy_(draw.float())  # the same numbers whatever the layer was made in
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
    """Make a network from widths, a module, or a function that makes one.

    Args:
        spec: Hidden widths, a module mapping [N, inputs] to [N, outputs], or a function (inputs, outputs) ->
            module.
        inputs: Number of features of the problem.
        outputs: Number of unknowns.
        generator: Draws the initial weights of a network made here (a user's module keeps its own).
        dtype: Precision.
        activation: Of a network given by widths.

    Raises:
        InputError: The module does not map [N, inputs] to [N, outputs].
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
        raise InputError("the network has no parameters to train")
    try:
        with torch.no_grad():
            out = network(torch.zeros(3, inputs, dtype=dtype, device=parameter.device))
    except Exception as error:  # whatever a user's module raises
        raise InputError(f"the network does not accept {inputs} inputs: {error}") from error
    if not isinstance(out, Tensor) or out.shape != (3, outputs):
        found = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
        raise InputError(f"the network maps 3 points to {found}; it must be shape (3, {outputs})")
    return network


def independent(problem: Problem) -> tuple[str, ...]:
    """Names of the unknowns that depend on fewer coordinates than the domain has."""
    return tuple(u.name for u in problem.functions if not u.reads(problem.domain.names))


def network_of(
    problem: Problem, spec: NetworkSpec, generator: Generator, dtype: torch.dtype, activation: str = "tanh"
) -> nn.Module:
    """Make the network of a problem, from features [N, F] to the unknowns' N_j, [N, m].

    Unknowns of fewer coordinates get networks of their own, small ones, which read the features of these
    coordinates only.

    Args:
        problem: The problem.
        spec: As of `build_network`; of the unknowns of all coordinates.
        generator: Draws the weights.
        dtype: Precision.
        activation: Of networks given by widths.

    Raises:
        InputError: As `build_network`; or a module is given where several networks are needed.
    """
    ansatz, names = problem.ansatz, problem.unknown_names
    apart = independent(problem)
    if not apart:
        return build_network(spec, len(ansatz.feature_names), len(names), generator, dtype, activation)
    if isinstance(spec, nn.Module):
        raise InputError(
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
    """Return a function that makes such a network for any problem; arguments as of `network_of`."""

    def make(problem: Problem) -> nn.Module:
        own = copy.deepcopy(spec) if isinstance(spec, nn.Module) else spec
        return network_of(problem, own, Generator().manual_seed(1), dtype, activation)

    return make


PRECISIONS = {"float64": torch.float64, "float32": torch.float32}
