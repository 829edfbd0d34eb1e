"""Architectures of modules, in the terms of the compiled kernels.

The kernels know the multilayer perceptron, an `nn.Sequential` (nested ones included) of affine layers with an
activation or nothing between them, and every `Network` that describes itself by its method `layout`.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from ..derivatives.taylor import find_rule
from ..kernels import Layout, NotCompiled
from .base import Network
from .mlp import ACTIVATION_NAMES

NAMES = {module_class: name for name, module_class in ACTIVATION_NAMES.items()}


def layout_of(network: nn.Module) -> Layout:
    """Describe a module to the compiled kernels.

    Args:
        network: Maps [N, inputs] to [N, outputs]; its parameters are those of the layout, in their order.

    Raises:
        NotCompiled: No kernel knows it; the message names the layer.
    """
    if isinstance(network, Network):
        _check_unchanged(network, type(network).__name__)
        layout, layers = network.layout(), [m for m in network.modules() if type(m) is nn.Linear]
    else:
        layout, layers = _perceptron(network)
    own = [id(p) for layer in layers for p in (layer.weight, layer.bias)]
    if own != [id(p) for p in network.parameters()]:
        raise NotCompiled("layers share parameters, or there are others than those of affine layers")
    return layout


def _perceptron(network: nn.Module) -> tuple[Layout, list[nn.Linear]]:
    layers: list[nn.Linear] = []
    widths: list[int] = []
    activations: list[str] = []
    for name, layer in _leaves(network, ""):
        told = f"layer {name} ({type(layer).__name__})" if name else type(layer).__name__
        if type(layer) is nn.Linear:
            check_affine(layer, told)
            if widths and widths[-1] != layer.in_features:
                raise NotCompiled(f"{told} does not fit the layer before")
            widths += [layer.out_features] if widths else [layer.in_features, layer.out_features]
            if len(activations) < len(layers):
                activations.append("identity")
            layers.append(layer)
        elif type(layer) is not nn.Identity:
            activation = activation_name(layer, told)
            if len(activations) >= len(layers):
                raise NotCompiled(f"{told} does not follow an affine layer")
            activations.append(activation)
        elif find_rule(layer) is None:
            raise NotCompiled(f"{told} has hooks")
    if not layers or len(activations) >= len(layers):
        raise NotCompiled(f"{type(network).__name__} does not end with an affine layer")
    return Layout(tuple(widths), tuple(activations)), layers


def _leaves(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers of nested `nn.Sequential`s in order, with their names."""
    if isinstance(module, nn.Sequential) and find_rule(module) is not None:
        for child, layer in module._modules.items():  # `named_children` leaves out what occurs twice
            assert layer is not None
            yield from _leaves(layer, f"{name}.{child}" if name else child)
    else:
        yield name, module


def check_affine(layer: nn.Module, told: str) -> None:
    """Refuse an affine layer that the kernels do not know.

    Args:
        layer: The layer.
        told: How messages name it.

    Raises:
        NotCompiled: It has hooks or no bias, or is another module altogether.
    """
    if type(layer) is not nn.Linear:
        raise NotCompiled(f"the kernel does not know {told}")
    _check_unchanged(layer, told)
    if layer.bias is None:
        raise NotCompiled(f"{told} has no bias")


def activation_name(layer: nn.Module, told: str) -> str:
    """Name the activation of the kernels that a module is.

    Args:
        layer: The module.
        told: How messages name it.

    Raises:
        NotCompiled: It is none of them.
    """
    if type(layer) not in NAMES:
        raise NotCompiled(f"the kernel does not know {told}")
    _check_unchanged(layer, told)
    return NAMES[type(layer)]


def _check_unchanged(module: nn.Module, told: str) -> None:
    if find_rule(module) is None:
        raise NotCompiled(f"{told} has hooks, options or a forward of its own")
