"""Taylor-mode differentiation: all derivatives of a network by its inputs in one forward pass.

A residual needs u and a handful of its derivatives at every point.  Nested reverse-mode differentiation runs
the network again for each order; instead, the jet of channels (u, u_x, u_xx, u_t, ...) is carried through
the layers. An affine layer maps every channel by the same matrix.  An activation maps them by Faa di Bruno's
formula,

    d_alpha s(z) = sum over partitions of alpha into blocks b_1 .. b_k of  s^(k)(z) d_{b_1} z ... d_{b_k} z,

for example a_xx = s'(z) z_xx + s''(z) z_x^2 and a_xy = s'(z) z_xy + s''(z) z_x z_y.  Products obey Leibniz'
rule. Sources: Griewank & Walther, Evaluating Derivatives (2008), ch. 13; forward Laplacian, appendix of
arXiv:2405.15603.

A jet is a tensor [C, N, W]: channel, point, unit.  `propagate` has a rule for each class of modules; a
module without one, or that does something else than its class (a `forward` of its own, hooks), is
differentiated by nested `torch.func.jvp`, exactly but more slowly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .activations import ACTIVATIONS, Derivatives
from .multi_index import MultiIndex

Rule = Callable[[Any, Tensor, "Channels"], Tensor]


def _partitions(items: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    """Set partitions of the positions of a multi-index, as lists of multi-indices."""
    if not items:
        return [[]]
    first, rest = items[0], items[1:]
    out = [[(first,), *p] for p in _partitions(rest)]
    for p in _partitions(rest):
        out += [[*p[:i], (first, *p[i]), *p[i + 1 :]] for i in range(len(p))]
    return out


class Channels:
    """Multi-indices that a jet carries: the wanted ones and all that their rules need.

    Args:
        wanted: Multi-indices, sorted tuples of coordinate positions; () is the value itself.

    Attributes:
        indices: The downward-closed set, the value first, by order.
        order: The highest order.
        chain: Faa di Bruno: for each channel but the first a list of (coefficient, positions of the blocks).
        leibniz: For each channel a list of (coefficient, position, position) of the product rule.
    """

    def __init__(self, wanted: Iterable[MultiIndex]) -> None:
        closed: set[MultiIndex] = {()}
        for index in wanted:
            for mask in range(2 ** len(index)):
                closed.add(tuple(sorted(i for bit, i in enumerate(index) if mask >> bit & 1)))
        self.indices = tuple(sorted(closed, key=lambda index: (len(index), index)))
        self.position = {index: p for p, index in enumerate(self.indices)}
        self.order = max(len(index) for index in self.indices)
        self.chain: list[list[tuple[int, tuple[int, ...]]]] = []
        self.leibniz: list[list[tuple[int, int, int]]] = []
        for index in self.indices:
            blocks = Counter(
                tuple(sorted(self.position[tuple(sorted(block))] for block in p)) for p in _partitions(index)
            )
            self.chain.append([(count, positions) for positions, count in sorted(blocks.items())])
            pairs: Counter[tuple[int, int]] = Counter()
            for mask in range(2 ** len(index)):
                left = tuple(i for bit, i in enumerate(index) if mask >> bit & 1)
                right = tuple(i for bit, i in enumerate(index) if not mask >> bit & 1)
                pairs[self.position[left], self.position[right]] += 1
            self.leibniz.append([(count, a, b) for (a, b), count in sorted(pairs.items())])

    def __len__(self) -> int:
        return len(self.indices)


def apply_elementwise(derivatives: Derivatives, jet: Tensor, channels: Channels) -> Tensor:
    """Apply a function elementwise: the jet of s(z) from the jet of z, by Faa di Bruno.

    Args:
        derivatives: Gives [s(z), s'(z), ... up to an order].
        jet: [C, N, W].
        channels: The multi-indices of the C channels.
    """
    d = derivatives(jet[0], channels.order)
    out = [d[0]]
    for terms in channels.chain[1:]:
        total = None
        for count, blocks in terms:
            product = d[len(blocks)] if count == 1 else count * d[len(blocks)]
            for block in blocks:
                product = product * jet[block]
            total = product if total is None else total + product
        assert total is not None
        out.append(total)
    return torch.stack(out)


def multiply(a: Tensor, b: Tensor, channels: Channels) -> Tensor:
    """Multiply jets by Leibniz' rule; channels come first, other axes are broadcast."""
    out = []
    for terms in channels.leibniz:
        total = None
        for count, i, j in terms:
            product = a[i] * b[j] if count == 1 else count * (a[i] * b[j])
            total = product if total is None else total + product
        assert total is not None
        out.append(total)
    return torch.stack(out)


# -- modules ---------------------------------------------------------------------------------------------


RULES: dict[type[nn.Module], Rule] = {}


def rule(module_class: type[nn.Module]) -> Callable[[Rule], Rule]:
    """Register the rule (module, jet, channels) -> jet of a class of modules."""

    def register(function: Rule) -> Rule:
        RULES[module_class] = function
        return function

    return register


for _class, _derivatives in ACTIVATIONS.items():
    RULES[_class] = partial(
        lambda derivatives, _, jet, channels: apply_elementwise(derivatives, jet, channels),
        _derivatives,
    )


def find_rule(module: nn.Module) -> Rule | None:
    """Find the rule of a module; None where its class, its options or hooks change what it computes."""
    if module._forward_hooks or module._forward_pre_hooks:
        return None
    known = next((c for c in type(module).__mro__ if c in RULES), None)
    if known is None or type(module).forward is not known.forward:
        return None
    if isinstance(module, nn.GELU) and module.approximate != "none":
        return None
    if isinstance(module, nn.Softplus) and (module.beta != 1 or module.threshold < 20):
        return None
    return RULES[known]


def propagate(module: nn.Module, jet: Tensor, channels: Channels) -> Tensor:
    """Carry a jet through a module.

    Args:
        module: Maps [N, W_in] to [N, W_out], point by point.
        jet: [C, N, W_in].
        channels: The multi-indices of the C channels.

    Returns:
        [C, N, W_out].
    """
    known = find_rule(module)
    return by_nested_jvp(module, jet, channels) if known is None else known(module, jet, channels)


def by_nested_jvp(function: Callable[[Tensor], Tensor], jet: Tensor, channels: Channels) -> Tensor:
    """Carry a jet through any differentiable function of [N, W_in].

    The channel alpha = (i_1, .., i_k) is the mixed derivative at zero, once in each e_j, of
    f(sum over subsets S of e^S z_{alpha_S}): nested forward mode gives just that, whatever f is.
    """
    out = []
    for index in channels.indices:

        def along(
            level: int, argument: Callable[[list[Tensor]], Tensor], index: MultiIndex = index
        ) -> Tensor:
            if level == len(index):
                return function(argument([]))
            tangent: Tensor = torch.func.jvp(
                lambda e: along(level + 1, lambda rest: argument([e, *rest])),
                (jet.new_zeros(()),),
                (jet.new_ones(()),),
            )[1]
            return tangent

        def polynomial(e: list[Tensor], index: MultiIndex = index) -> Tensor:
            total = jet[0]
            for mask in range(1, 2 ** len(index)):
                chosen = [bit for bit in range(len(index)) if mask >> bit & 1]
                term = jet[channels.position[tuple(sorted(index[bit] for bit in chosen))]]
                for bit in chosen:
                    term = term * e[bit]
                total = total + term
            return total

        def argument(e: list[Tensor], build: Callable[[list[Tensor]], Tensor] = polynomial) -> Tensor:
            return build(e)

        out.append(along(0, argument))
    return torch.stack(out)


@rule(nn.Linear)
def _linear(module: nn.Linear, jet: Tensor, channels: Channels) -> Tensor:
    out = functional.linear(jet, module.weight)
    return out if module.bias is None else torch.cat([out[:1] + module.bias, out[1:]])


@rule(nn.Sequential)
def _sequential(module: nn.Sequential, jet: Tensor, channels: Channels) -> Tensor:
    for layer in module:
        jet = propagate(layer, jet, channels)
    return jet


@rule(nn.Identity)
def _identity(module: nn.Identity, jet: Tensor, channels: Channels) -> Tensor:
    return jet
