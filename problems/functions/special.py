"""Derivative rules for the special functions that PyTorch evaluates but does not differentiate.

PyTorch returns the values of all Bessel functions and of Airy's function without a graph, so that autograd
takes their derivatives as zero; J and Y are moreover good to some 1e-6 there, beyond 5, and Ai to 3e-6.
Inside `differentiable()` they carry the classical rules instead (Abramowitz and Stegun, 9.1.27, 9.6.26,
10.1.20 and 10.4.1), written without divisions to hold at 0:

    J_n' = (J_{n-1} - J_{n+1}) / 2     (Y_n likewise)       I_n' =  (I_{n-1} + I_{n+1}) / 2
    Ai'' = x Ai                                             K_n' = -(K_{n-1} + K_{n+1}) / 2
    j_n' = (n j_{n-1} - (n + 1) j_{n+1}) / (2 n + 1)        (exp(x) K_n)' = exp(x) K_n + exp(x) K_n'

All values come from SciPy, good to rounding.  The step of `torch.heaviside` has no derivative in PyTorch
either; it is written as the choice between 0 and 1 that it is, whose derivative is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import scipy.special
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ...derivatives.context import Context


class differentiable(TorchFunctionMode):  # noqa: N801 (used as a context manager, like torch.no_grad)
    """Context in which special functions of PyTorch have derivatives of any order."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[Tensor, ...] = (),
        kwargs: dict[str, Tensor] | None = None,
    ) -> object:
        """Call the rule of a function that has one here, or the function itself."""
        if func in _STEPS and len(args) + len(kwargs or {}) == 2:
            return _step(*args, **(kwargs or {}))
        rule = _RULES.get(func)
        if rule is None or kwargs or len(args) != 1:
            return func(*args, **(kwargs or {}))
        return rule(args[0])


class _Ruled(torch.autograd.Function):
    """Function of one variable with its derivative, for autograd."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> Tensor:
        return value(x)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[object, ...], output: Tensor) -> None:
        x, _, ctx.slope = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx: Context, *cotangents: Tensor) -> tuple[Tensor, None, None]:
        return cotangents[0] * ctx.slope(*ctx.saved_tensors), None, None

    @staticmethod
    def jvp(ctx: Context, *tangents: Tensor) -> Tensor:
        slope: Tensor = ctx.slope(*ctx.saved_tensors)
        product: Tensor = tangents[0] * slope
        return product


def ruled(x: Tensor, value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> Tensor:
    """The values of a function at x [N] with a derivative rule for autograd.

    Args:
        x: Arguments [N].
        value: The function; its own graph is not used.
        slope: Its derivative, differentiable by autograd if second derivatives are wanted.
    """
    apply: Callable[..., Tensor] = _Ruled.apply
    return apply(x, value, slope)


def by_numpy(function: Callable[..., object]) -> Callable[[Tensor], Tensor]:
    """A function of NumPy arrays as one of tensors, without a graph."""
    return lambda x: torch.as_tensor(function(x.detach().cpu().numpy())).to(x)


@dataclass(frozen=True)
class _Family:
    """Bessel functions of one kind.

    Attributes:
        orders: PyTorch's functions of order 0, 1, ..., which are replaced.
        values: SciPy's (order, x) in their place.
        rule: The derivative of order n as factors of the orders n - 1, n, n + 1.
        reflected: Sign of order -1 relative to order 1.
    """

    orders: tuple[Callable[[Tensor], Tensor], ...]
    values: Callable[..., object]
    rule: Callable[[int], tuple[float, float, float]]
    reflected: float

    def at(self, order: int, x: Tensor) -> Tensor:
        """The function of an order at x, differentiable as often as wanted."""
        if order < 0:
            return self.reflected * self.at(-order, x)

        def slope(z: Tensor) -> Tensor:
            terms = [f * self.at(order + i - 1, z) for i, f in enumerate(self.rule(order)) if f]
            return torch.stack(terms).sum(0)

        return ruled(x, by_numpy(lambda a: self.values(order, a)), slope)

    def function(self, order: int) -> Callable[[Tensor], Tensor]:
        """The function of an order."""
        return lambda x: self.at(order, x)


_S, _scipy = torch.special, scipy.special
_FAMILIES = (
    _Family((_S.bessel_j0, _S.bessel_j1), _scipy.jv, lambda n: (0.5, 0.0, -0.5), -1.0),
    _Family((_S.bessel_y0, _S.bessel_y1), _scipy.yv, lambda n: (0.5, 0.0, -0.5), -1.0),
    _Family((_S.modified_bessel_i0, _S.modified_bessel_i1), _scipy.iv, lambda n: (0.5, 0.0, 0.5), 1.0),
    _Family((_S.modified_bessel_k0, _S.modified_bessel_k1), _scipy.kv, lambda n: (-0.5, 0.0, -0.5), 1.0),
    _Family(
        (_S.scaled_modified_bessel_k0, _S.scaled_modified_bessel_k1),
        _scipy.kve,
        lambda n: (-0.5, 1.0, -0.5),
        1.0,
    ),
    _Family(
        (_S.spherical_bessel_j0,),
        _scipy.spherical_jn,
        lambda n: (n / (2 * n + 1), 0.0, -(n + 1) / (2 * n + 1)),
        1.0,  # never asked for: the factor of order -1 is zero
    ),
)


def _airy(x: Tensor) -> Tensor:
    return ruled(x, by_numpy(lambda a: scipy.special.airy(a)[0]), _airy_slope)


def _airy_slope(x: Tensor) -> Tensor:
    return ruled(x, by_numpy(lambda a: scipy.special.airy(a)[1]), lambda z: z * _airy(z))


def _step(input: Tensor, values: Tensor) -> Tensor:  # the names of torch.heaviside
    """Heaviside function: 0 below 0, 1 above, `values` at 0 (of any floating type)."""
    beside = (input > 0).to(input.dtype) + 0 * input  # the graph of a function of the coordinates
    return torch.where(input == 0, torch.as_tensor(values).to(input), beside)


_STEPS = {torch.heaviside, Tensor.heaviside}


def _absolute(x: Tensor) -> Tensor:
    """Absolute value as x sign(x): PyTorch's second derivative of abs imports SymPy, which takes seconds."""
    return x.abs() if x.is_complex() else x * torch.sign(x)


_RULES: dict[Callable[..., object], Callable[[Tensor], Tensor]] = {
    **dict.fromkeys([torch.abs, torch.absolute, Tensor.abs, Tensor.absolute, Tensor.__abs__], _absolute),
    **{f: family.function(n) for family in _FAMILIES for n, f in enumerate(family.orders)},
    torch.special.airy_ai: _airy,
}
