"""A DeepXDE network's derivatives by Taylor propagation, whatever an equation asks for them with.

An equation of DeepXDE differentiates the network's output by reverse mode, which runs through all layers once
more for every order.  Here all derivatives at the points come from one pass (`taylor`), and the output is a
function that knows them: in reverse mode

    the derivative of  d_alpha N(z)  by  z_j  is  d_(alpha + e_j) N(z),

which is looked up. So `dde.grad`, `torch.autograd.grad`, transforms of inputs and outputs and the operators
of conditions work as they are, and only one pass and one reverse pass go through the layers, in compiled
code.  Stages of the network (`staged.py`) use the plan without it.

Which derivatives are needed is found by trying: random numbers take their place, and needed are those that
the losses depend on, if only as multiples of zero. All others are not a number, so that an equation that
comes to use them later, by a branch, does not go wrong unseen. That the losses and their gradient are
DeepXDE's is checked before any of it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import deepxde as dde
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..derivatives.context import Context
from ..derivatives.multi_index import MultiIndex
from ..derivatives.taylor import Channels, find_rule
from ..errors import InputError
from ..kernels import CompiledNetwork, Layout, SinglePointSet
from .untyped import Net

NAMES = ("tanh", "sin", "silu", "gelu")
ACTIVATIONS = {dde.nn.activations.get(name): name for name in NAMES} | {
    torch.tanh: "tanh",
    torch.sin: "sin",
    nn.functional.silu: "silu",
    nn.functional.gelu: "gelu",
}
MAX_ORDER = 4
MAX_CHANNELS = 24  # beyond, one pass carries more than reverse mode would compute


class _Slopes(torch.autograd.Function):
    """Zeros [N, m] that keep the network's derivatives connected to the points in the autograd graph."""

    @staticmethod
    def forward(ctx: Context, points: Tensor, outputs: int, table: Table, index: MultiIndex) -> Tensor:
        ctx.save_for_backward(points)
        ctx.table, ctx.index = table, index
        return points.new_zeros(len(points), outputs)

    @staticmethod
    def backward(ctx: Context, cotangent: Tensor) -> tuple[Tensor, None, None, None]:
        (points,) = ctx.saved_tensors
        axes = range(points.shape[1])
        slopes = [ctx.table.slope(points, ctx.index, j, cotangent) for j in axes]
        return torch.stack(slopes, 1), None, None, None


class _Missing(torch.autograd.Function):
    """A cotangent times a derivative that is not known, [N]: not a number, or zero where the cotangent is."""

    @staticmethod
    def forward(ctx: Context, cotangent: Tensor, points: Tensor) -> Tensor:
        ctx.save_for_backward(points)
        return torch.where((cotangent != 0).any(1), math.nan, 0.0).to(points)

    @staticmethod
    def backward(ctx: Context, cotangent: Tensor) -> tuple[None, Tensor]:
        """Nor are its derivatives by the points known."""
        (points,) = ctx.saved_tensors
        return None, torch.stack([_missing(cotangent[:, None], points) for _ in range(points.shape[1])], 1)


def _missing(cotangent: Tensor, points: Tensor) -> Tensor:
    apply: Callable[..., Tensor] = _Missing.apply
    return apply(cotangent, points)


class Table:
    """The derivatives of a network at some points.

    Args:
        values: By multi-index, [N, m]; a derivative that is not there is not a number.
    """

    def __init__(self, values: Mapping[MultiIndex, Tensor]) -> None:
        self.values = dict(values)

    def at(self, points: Tensor, index: MultiIndex = ()) -> Tensor:
        """A derivative [N, m] as a function of the points [N, F]."""
        value = self.values[index]
        # Two summands, for reverse mode to enter only that which leads to what is asked for.
        slopes: Callable[..., Tensor] = _Slopes.apply
        return value + slopes(points, value.shape[1], self, index)

    def slope(self, points: Tensor, index: MultiIndex, axis: int, cotangent: Tensor) -> Tensor:
        """The derivative of sum_m cotangent_m d_index N_m by a coordinate, [N]."""
        index = tuple(sorted((*index, axis)))
        if index not in self.values:
            return _missing(cotangent, points)
        products = cotangent * self.at(points, index)
        return products[:, 0] if products.shape[1] == 1 else products.sum(1)


class _Trial(Table):
    """Random numbers in the place of derivatives; remembers which were asked for."""

    def __init__(self, points: Tensor, outputs: int) -> None:
        self._random = torch.Generator().manual_seed(0)
        self._shape, self._like = (len(points), outputs), points
        super().__init__({})
        self._ask(())

    def _ask(self, index: MultiIndex) -> None:
        if index not in self.values:
            random = self._random
            draw = torch.rand(self._shape, generator=random, dtype=torch.float64, device=random.device)
            self.values[index] = draw.to(self._like).requires_grad_()

    def slope(self, points: Tensor, index: MultiIndex, axis: int, cotangent: Tensor) -> Tensor:
        if len(index) == MAX_ORDER:
            raise NotImplementedError("a derivative of a higher order than is propagated")
        self._ask(tuple(sorted((*index, axis))))
        return super().slope(points, index, axis, cotangent)


@dataclass(frozen=True)
class Plan:
    """Way in which the derivatives of a network are propagated.

    Attributes:
        net: The network.
        layout: Its architecture.
        channels: The derivatives that are needed.
        compiled: Whether compiled code can carry it out on this machine.
    """

    net: Net
    layout: Layout
    channels: Channels
    compiled: bool

    @property
    def weights(self) -> list[Tensor]:
        """Weights of the layers, one after the other."""
        return [p for layer in self.net.linears for p in (layer.weight, layer.bias)]

    def features(self, inputs: Tensor) -> Tensor:
        """Inputs of the first layer, [N, F]."""
        transform = self.net._input_transform
        return inputs if transform is None else transform(inputs)

    def enter(self, inputs: Tensor) -> Tensor:
        """The jet that the first layer is given, [C, N, F]: the features, each of slope one by itself."""
        features = self.features(inputs).detach()
        jet = features.new_zeros(len(self.channels), *features.shape)
        jet[0] = features
        for index, position in self.channels.position.items():
            if len(index) == 1:
                jet[position, :, index[0]] = 1.0
        return jet

    def field(self, inputs: Tensor, table: Callable[[Tensor], Table]) -> Tensor:
        """The network's outputs [N, m] as a function of its inputs [N, d]; `table` is given the features."""
        features = self.features(inputs)
        transform, outputs = self.net._output_transform, table(features).at(features)
        return outputs if transform is None else transform(inputs, outputs)


# Of a model, with a function in place of its network.
Losses = Callable[[Callable[[Tensor], Tensor]], list[Tensor]]


def plan_for(net: Net, losses: Losses) -> Plan | None:
    """The plan for a model, or None where its network or equation does not allow one.

    Args:
        net: The model's network.
        losses: Its losses with a function in place of the network.
    """
    widths, activation = _widths(net), _activation(net)
    if widths is None or activation is None:
        return None
    layout = Layout(widths, (activation,) * (len(widths) - 2))
    weight = net.linears[0].weight
    refusal = CompiledNetwork.refusal(layout, MAX_ORDER, weight.dtype)
    compiled = refusal is None and weight.device.type == "cpu"
    plan = Plan(net, layout, Channels([()]), compiled)
    try:
        needed = _needed(plan, losses)
    except Exception:  # of an equation that does what cannot be foreseen: it is left to DeepXDE
        return None
    plan = replace(plan, channels=Channels(needed))
    return plan if len(plan.channels) <= MAX_CHANNELS else None


def _needed(plan: Plan, losses: Losses) -> list[MultiIndex]:
    """The derivatives that the losses depend on."""
    trials: list[_Trial] = []

    def tried(features: Tensor) -> Table:
        if features.shape[1] != plan.layout.widths[0]:
            raise InputError("the network is not for these features")
        trials.append(_Trial(features, plan.layout.widths[-1]))
        return trials[-1]

    total = torch.stack(losses(lambda inputs: plan.field(inputs, tried))).sum()
    (trial,) = trials
    values = trial.values
    slopes = torch.autograd.grad(total, list(values.values()), allow_unused=True)
    needed = {i for i, s in zip(values, slopes, strict=True) if s is not None and bool((s != 0).any())}

    def enough(known: Iterable[MultiIndex]) -> bool:
        table = Table({i: values[i] for i in known})
        found = losses(lambda inputs: plan.field(inputs, lambda _: table))
        return bool(torch.stack(found).isfinite().all())

    if not enough(Channels(needed).indices):
        needed |= {i for i in values if i and not enough(values.keys() - {i})}
    return list(needed)


def _widths(net: Net) -> tuple[int, ...] | None:
    """Layer widths of a plain `deepxde.nn.FNN`, all of whose layers are trained."""
    if type(net).forward is not dde.nn.FNN.forward or net._forward_hooks or net._forward_pre_hooks:
        return None
    layers = list(net.linears)
    if any(
        type(layer) is not nn.Linear or find_rule(layer) is None or layer.bias is None for layer in layers
    ):
        return None
    own = [p for layer in layers for p in (layer.weight, layer.bias)]
    if [id(p) for p in own] != [id(p) for p in net.parameters()]:
        return None
    if any(not p.requires_grad for p in own):
        return None
    return (layers[0].in_features, *(layer.out_features for layer in layers))


def _activation(net: Net) -> str | None:
    given = net.activation if isinstance(net.activation, list) else [net.activation]
    hidden = given[: len(net.linears) - 1] if isinstance(net.activation, list) else given
    return ACTIVATIONS.get(hidden[0]) if hidden and all(one is hidden[0] for one in hidden) else None


class _Propagated(torch.autograd.Function):
    """The network's jet as a function of its weights."""

    @staticmethod
    def forward(ctx: Context, propagation: Propagation, *weights: Tensor) -> Tensor:
        ctx.propagation, ctx.shapes = propagation, [w.shape for w in weights]
        ctx.theta = torch.cat([w.reshape(-1) for w in weights])
        return propagation.forward(ctx.theta)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        gradient = ctx.propagation.reverse(ctx.theta, cotangent)
        pieces = gradient.split([shape.numel() for shape in ctx.shapes])
        return None, *(piece.view(shape) for piece, shape in zip(pieces, ctx.shapes, strict=True))


class Propagation:
    """A plan carried out at some points.

    Args:
        plan: The plan.
        inputs: The points, [N, d].
        threads: Threads to split them over.
    """

    def __init__(self, plan: Plan, inputs: Tensor, threads: int) -> None:
        self.plan = plan
        kernel = CompiledNetwork(plan.layout, plan.channels, plan.weights[0].dtype, threads)
        self._points, self._theta = SinglePointSet(kernel, plan.enter(inputs)), torch.empty(0)

    def forward(self, theta: Tensor) -> Tensor:
        """The jet [C, m, N] at the weights theta [n]."""
        self._theta = theta
        return self._points.forward(theta)

    def _return(self, theta: Tensor) -> None:
        if theta is not self._theta:  # the kernel remembers its last pass only
            self.forward(theta)

    def reverse(self, theta: Tensor, cotangent: Tensor) -> Tensor:
        """The gradient [n] of sum(cotangent * jet)."""
        self._return(theta)
        return self._points.reverse(theta, cotangent)

    def columns(self, theta: Tensor, cotangent: Tensor) -> Tensor:
        """Each point's own gradient, as columns [n, N]."""
        self._return(theta)
        return self._points.jacobian(theta, cotangent)

    def jet(self) -> Tensor:
        """The jet [C, m, N] as a function of the network's weights."""
        apply: Callable[..., Tensor] = _Propagated.apply
        return apply(self, *self.plan.weights)

    def field(self, inputs: Tensor, jet: Tensor) -> Tensor:
        """The outputs [N, m] as a function of the inputs and of a jet."""
        values = zip(self.plan.channels.indices, jet.transpose(1, 2).unbind(0), strict=True)
        table = Table(dict(values))
        return self.plan.field(inputs, lambda _: table)

    def __call__(self, inputs: Tensor) -> Tensor:
        """The outputs [N, m] as a function of the inputs and of the network's weights."""
        return self.field(inputs, self.jet())
