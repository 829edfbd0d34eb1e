"""Compiled kernels of a network, and points laid out for them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ..derivatives.taylor import Channels
from ..kernels import (
    CompiledNetwork,
    JoinedPointSet,
    Layout,
    NotCompiled,
    PointSet,
    SinglePointSet,
)
from .layout import layout_of
from .model import Location, Model, split_embedding
from .side_by_side import SideBySide


def layouts_of(network: nn.Module, order: int) -> list[Layout]:
    """Describe a network to the compiled kernels.

    Args:
        network: The network of a model, without embeddings.
        order: The highest order of its derivatives.

    Returns:
        One layout, or that of each network side by side.

    Raises:
        NotCompiled: The compiled kernels cannot evaluate it here; the message is the reason.
    """
    parameters = list(network.parameters())
    devices = {p.device.type for p in parameters} - {"cpu"}
    if devices:
        raise NotCompiled(f"the kernel is for the CPU, and the network is on {devices.pop()}")
    if not all(p.requires_grad for p in parameters):
        raise NotCompiled("some parameters of the network are not trained")
    networks = list(network.networks) if type(network) is SideBySide else [network]
    layouts = [layout_of(part) for part in networks]
    for layout in layouts:
        reason = CompiledNetwork.refusal(layout, order, parameters[0].dtype)
        if reason is not None:
            raise NotCompiled(reason)
    return layouts


def slow_path(model: Model, order: int) -> str | None:
    """Say why a model's derivatives are not computed by compiled kernels; None if they are.

    Args:
        model: The model.
        order: The highest order of its derivatives.
    """
    try:
        layouts_of(split_embedding(model.network)[1], order)
    except NotCompiled as reason:
        return f"the network runs in PyTorch, more slowly than in the compiled kernel: {reason}"
    return None


def compile_network(model: Model, channels: Channels, threads: int) -> list[CompiledNetwork]:
    """Make the compiled kernels of a model's network.

    Args:
        model: The model.
        channels: The derivatives that are wanted.
        threads: Threads of each kernel.

    Returns:
        A kernel for each network side by side; none where `slow_path` has a reason.
    """
    try:
        layouts = layouts_of(split_embedding(model.network)[1], channels.order)
    except NotCompiled:
        return []
    return [CompiledNetwork(layout, channels, model.like.dtype, threads) for layout in layouts]


def compile_stages(
    model: Model, channels: Channels, threads: int, counts: Sequence[int]
) -> list[CompiledNetwork]:
    """Make the compiled kernels of consecutive stages of a model's network.

    Args:
        model: The model.
        channels: The derivatives that are wanted.
        threads: Threads of each kernel.
        counts: Numbers of affine layers of the stages.

    Raises:
        NotCompiled: There are none; the message is the reason.
    """
    layouts = layouts_of(split_embedding(model.network)[1], channels.order)
    if len(layouts) > 1:
        raise NotCompiled("networks side by side are not one chain of layers")
    return [CompiledNetwork(part, channels, model.like.dtype, threads) for part in layouts[0].stages(counts)]


def point_set(kernels: Sequence[CompiledNetwork], location: Location) -> PointSet | None:
    """Lay the points of a location out for the kernels of its network; None without kernels."""
    if not kernels:
        return None
    network = location.trainable
    if not isinstance(network, SideBySide):
        return SinglePointSet(kernels[0], location.inputs)
    inputs = [location.inputs[..., columns] for columns in network.inputs]
    parts = [SinglePointSet(kernel, x) for kernel, x in zip(kernels, inputs, strict=True)]
    return JoinedPointSet(parts, network.order)
