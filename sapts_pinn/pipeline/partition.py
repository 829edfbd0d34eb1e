"""Division of a network into consecutive stages.

    net = phi_S o ... o phi_1,      phi_s a run of consecutive layers with the parameters theta_s

A network is an `nn.Sequential`, whose layers may be such again, or says by a method `stages()` which modules
it consists of, one after the other.  Any other module is one layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from typing import Protocol, cast

from torch import nn

from ..derivatives.taylor import find_rule
from ..errors import InputError


def balance(sizes: Sequence[int], parts: int) -> list[range]:
    """Cut a row of sizes into consecutive parts, none of them empty, so that the largest sum is least.

    Args:
        sizes: At least as many as there are parts.
        parts: At least one.
    """
    sums = [0, *accumulate(sizes)]

    @cache
    def best(start: int, parts: int) -> tuple[int, int]:
        """Return the largest sum from `start` on, and where the first part ends."""
        if parts == 1:
            return sums[-1] - sums[start], len(sizes)
        ends = range(start + 1, len(sizes) - parts + 2)
        return min((max(sums[end] - sums[start], best(end, parts - 1)[0]), end) for end in ends)

    out, start = [], 0
    for left in range(parts, 0, -1):
        end = best(start, left)[1]
        out.append(range(start, end))
        start = end
    return out


def most_stages(network: nn.Module) -> int:
    """Largest number of stages into which a network can be cut."""
    return sum(any(_trained(layer) for layer in group) for group in _groups(network))


def stage_chain(network: nn.Module, parts: int) -> list[nn.Sequential]:
    """Cut a network into consecutive stages; the largest has as few parameters as possible.

    A cut never divides a layer; what follows a layer without trainable parameters of its own stays with it,
    and what comes before the first one too.  In a modified MLP the gates travel along, which makes the
    activations three times as wide.

    Args:
        network: An `nn.Sequential`, such as `MLP`, nested ones included; a `ModifiedMLP`; or a module with a
            method `stages()`.  Any other module, and one with hooks, counts as one layer.
        parts: Number of stages.

    Returns:
        The stages; they share the network's layers.

    Raises:
        InputError: There are fewer layers with parameters than stages, two stages share a parameter, or the
            stages are not made of all modules of the network that have parameters, and of no others.
    """
    groups, found = _groups(network), most_stages(network)
    if not 1 <= parts <= found:
        raise InputError(
            f"{type(network).__name__} cannot be cut into {parts} stages: "
            f"it has {found} layers with parameters one after the other; ask for at most so many, or make of "
            "its layers nn.Sequential, or modules with a method stages() that returns their layers in order"
        )
    sizes = [count_parameters(group) for group in groups]
    stages = [nn.Sequential(*(layer for i in part for layer in groups[i])) for part in balance(sizes, parts)]
    owner: dict[int, int] = {}
    for s, stage in enumerate(stages):
        for name, p in stage.named_parameters():
            if owner.setdefault(id(p), s) != s:
                raise InputError(
                    f"stages {owner[id(p)]} and {s} share a parameter of shape {tuple(p.shape)} "
                    f"({name}); untie it, or ask for fewer than {parts} stages"
                )
    _check_whole(network, stages)
    return stages


def _groups(network: nn.Module) -> list[list[nn.Module]]:
    """Group layers so that each group has one with trained parameters, if there is any at all."""
    groups: list[list[nn.Module]] = [[]]
    for layer in _layers(network):
        if _trained(layer) and any(_trained(other) for other in groups[-1]):
            groups.append([])
        groups[-1].append(layer)
    return groups


def _check_whole(network: nn.Module, stages: Sequence[nn.Module]) -> None:
    """Check that the stages are made of the network's own modules, by which its state is saved."""
    name, own = type(network).__name__, {id(module) for module in network.modules()}
    held = {id(p) for stage in stages for p in stage.parameters()}
    for parameter, p in network.named_parameters():
        if p.requires_grad and id(p) not in held:
            raise InputError(
                f"the stages of {name} leave out its parameter {parameter}; "
                "put it into a module that stages() returns"
            )
    for module in (module for stage in stages for module in stage.modules()):
        if id(module) not in own and any(True for _ in module.parameters(recurse=False)):
            raise InputError(
                f"the stages of {name} hold a {type(module).__name__} that is no part of it; "
                f"make it an attribute of {name}"
            )


class Divisible(Protocol):
    """A network that says how it can be divided."""

    def stages(self) -> Iterable[nn.Module]:
        """Return modules that it consists of, one after the other."""


def _layers(network: nn.Module) -> list[nn.Module]:
    """List the modules to cut between; one with hooks, or a forward of its own, is not divided."""
    if callable(getattr(type(network), "stages", None)) and not _hooked(network):
        stages = list(cast("Divisible", network).stages())
        if len(stages) == 1 and stages[0] is network:
            return stages
        if not stages or not all(isinstance(stage, nn.Module) and stage is not network for stage in stages):
            raise InputError(
                f"stages() of {type(network).__name__} must return modules that it consists of, "
                f"not {', '.join(type(stage).__name__ for stage in stages) or 'none'}"
            )
        return [layer for stage in stages for layer in _layers(stage)]
    if isinstance(network, nn.Sequential) and find_rule(network) is not None:
        return [layer for child in network for layer in _layers(child)]
    return [network]


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _trained(module: nn.Module) -> bool:
    return any(p.requires_grad for p in module.parameters())


def count_parameters(modules: Iterable[nn.Module]) -> int:
    """Count the parameters of modules, trained or not."""
    return sum(p.numel() for module in modules for p in module.parameters())
