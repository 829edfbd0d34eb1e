"""Margins: the differences between the numbers that a function of the coordinates compares.

A function written in torch can only jump or kink where one of its branchings flips: a comparison, abs, sign,
clamp, maximum, floor, a search in a table.  Each compares two numbers; their difference is the *margin* of
the branching, a function of the coordinates as well, and the zero set of a margin is where the branching
flips.  Running the function under a `TorchFunctionMode` records the margins (instrumentation of branches, as
in search-based test generation: Korel, IEEE Trans. Software Eng. 16(8), 1990).

What is smooth but steep is recorded on demand: the exponent of exp, whose top is the centre of a peak; the
argument of tanh and its kin, whose zero is the middle of a layer; denominators.

What leaves torch (NumPy, SciPy) compares nothing that could be seen: `leaves_torch` tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

Function = Callable[[Tensor], Tensor]
Rule = Callable[..., list[Tensor]]

COLUMNS = 16  # of one comparison with many numbers; more are merged


class Recorder(TorchFunctionMode):
    """Collects the margins of what branches while it is active.

    Args:
        n: Number of points the function is evaluated at.

    Attributes:
        margins: Tensors [n].
        steep: Kind and values [n] of the arguments of functions that may be steep.
        opaque: Whether numbers have left torch.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        self.margins: list[Tensor] = []
        self.steep: list[tuple[str, Tensor]] = []
        self.opaque = False

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        name = getattr(func, "__name__", "").strip("_")
        if name in RULES:
            self.margins += self._columns(RULES[name], args, kwargs or {})
        if name in STEEP:
            kind, rule = STEEP[name]
            self.steep += [(kind, column) for column in self._columns(rule, args, kwargs or {})]
        self.opaque |= name in EXITS
        return func(*args, **(kwargs or {}))

    def _columns(self, rule: Rule, args: Sequence[object], kwargs: Mapping[str, object]) -> list[Tensor]:
        try:
            found = rule(*args, **kwargs)
        except (TypeError, ValueError, RuntimeError, IndexError):
            return []  # arguments of another kind than the rule knows; wrong ones the function refuses
        return [column for margin in found for column in _columns(margin, self.n)]


# What each function compares: rules take its arguments and give the margins, of any shapes.


def _difference(a: object, b: object = None, **_: object) -> list[Tensor]:
    return [_real(a) - _real(b)] if isinstance(b, (int, float, Tensor)) else []


def _reversed(a: object, b: object = None, **_: object) -> list[Tensor]:
    """Margin of a >= b and a < b, which flip where b - a stops being positive (a may take steps)."""
    return [-difference for difference in _difference(a, b)]


def _equal(a: object, b: object = None, **_: object) -> list[Tensor]:
    """Margins of a == b, which flips on both sides of a step of a."""
    return [*_difference(a, b), *_reversed(a, b)]


def _zero(a: object, *_: object, **__: object) -> list[Tensor]:
    return [_real(a)]


def _condition(a: object, *_: object, **__: object) -> list[Tensor]:
    return [_real(a)] if isinstance(a, Tensor) and a.dtype != torch.bool else []


def _power(a: object, b: object, **_: object) -> list[Tensor]:
    return [_real(a)] if isinstance(b, float) and b % 1 else []


def _integer(a: object, *_: object, **__: object) -> list[Tensor]:
    return [torch.sin(math.pi * _real(a))]


def _half(a: object, *_: object, **__: object) -> list[Tensor]:
    return [torch.cos(math.pi * _real(a))]


def _cast(a: object, *to: object, dtype: object = None, **_: object) -> list[Tensor]:
    whole = isinstance(a, Tensor) and a.is_floating_point() and INTEGERS.intersection((*to[:1], dtype))
    return _integer(a) if whole else []


def _quotient(a: object, b: object, **_: object) -> list[Tensor]:
    return [torch.sin(math.pi * _real(a) / _real(b))]


def _rounded(a: object, b: object, rounding_mode: object = None, **_: object) -> list[Tensor]:
    return _quotient(a, b) if rounding_mode else []


def _clamped(a: object, low: object = None, high: object = None, **named: object) -> list[Tensor]:
    bounds = (low, high, *(named.get(name) for name in ("min", "max", "min_val", "max_val")))
    return [_real(a) - _real(bound) for bound in bounds if isinstance(bound, (int, float, Tensor))]


def _shrunk(a: object, limit: float = 0.5, **named: float) -> list[Tensor]:
    limit = named.get("lambd", named.get("threshold", limit))
    return [_real(a) - limit, _real(a) + limit]


def _between(table: object, points: object, **_: object) -> list[Tensor]:
    """Margin of a search in a sorted table: continuous, zero at its entries, of alternating sign."""
    table, points = _real(table), _real(points)
    if table.ndim != 1 or not len(table):
        return []
    place = torch.searchsorted(table, points.contiguous())
    below = (points - table[(place - 1).clamp_min(0)]).abs()
    above = (table[place.clamp_max(len(table) - 1)] - points).abs()
    return [torch.minimum(below, above) * (1 - 2 * (place % 2))]


def _lead(largest: bool) -> Rule:
    def rule(a: Tensor, dim: object = None, *_: object, **__: object) -> list[Tensor]:
        """Lead of the extreme value along a dimension over the next; of two tensors, their difference."""
        if isinstance(dim, Tensor):
            return [_real(a) - _real(dim)]
        if not isinstance(dim, int) or a.shape[dim] < 2:
            return []
        first, second = _real(a).topk(2, dim=dim, largest=largest).values.unbind(dim)
        return [first - second]

    return rule


INTEGERS = {torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8}
RULES: dict[str, Rule] = {
    **dict.fromkeys("gt le greater less_equal maximum minimum fmax fmin".split(), _difference),
    **dict.fromkeys("ge lt greater_equal less".split(), _reversed),
    **dict.fromkeys("eq ne not_equal".split(), _equal),
    **dict.fromkeys(
        "abs absolute sign sgn heaviside relu leaky_relu elu selu celu prelu sqrt".split(), _zero
    ),
    **dict.fromkeys(["where", "bool", "logical_not"], _condition),
    "isclose": lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: [
        (_real(a) - _real(b)).abs() - atol - rtol * _real(b).abs()
    ],
    "pow": _power,
    **dict.fromkeys("floor ceil trunc fix frac long int".split(), _integer),
    "round": _half,
    **dict.fromkeys(["to", "type"], _cast),
    **dict.fromkeys("remainder fmod mod floor_divide floordiv".split(), _quotient),
    **dict.fromkeys(["div", "divide"], _rounded),
    **dict.fromkeys(["clamp", "clip"], _clamped),
    "clamp_min": lambda a, min: _clamped(a, min),
    "clamp_max": lambda a, max: _clamped(a, max),
    "hardtanh": lambda a, min_val=-1.0, max_val=1.0, inplace=False: _clamped(a, min_val, max_val),
    "relu6": lambda a, inplace=False: _clamped(a, 0.0, 6.0),
    **dict.fromkeys(["hardsigmoid", "hardswish"], lambda a, inplace=False: _clamped(a, -3.0, 3.0)),
    **dict.fromkeys(["softshrink", "hardshrink"], _shrunk),
    "threshold": lambda a, threshold, value=0.0, inplace=False: _clamped(a, threshold),
    "searchsorted": _between,
    "bucketize": lambda a, boundaries, **_: _between(boundaries, a),
    **dict.fromkeys(["max", "amax", "argmax"], _lead(True)),
    **dict.fromkeys(["min", "amin", "argmin"], _lead(False)),
}


def _denominator(_: object, b: object, **__: object) -> list[Tensor]:
    return [_real(b)] if isinstance(b, Tensor) else []


def _inverse_power(a: object, b: object, **_: object) -> list[Tensor]:
    return [_real(a)] if isinstance(b, (int, float)) and b < 0 else []


PEAK, LAYER, RATIO = "peak", "layer", "ratio"
STEEP: dict[str, tuple[str, Rule]] = {
    **dict.fromkeys("exp exp2 expm1".split(), (PEAK, _zero)),
    **dict.fromkeys("tanh sigmoid erf erfc atan arctan cosh sinh softplus expit".split(), (LAYER, _zero)),
    **dict.fromkeys("div divide true_divide truediv".split(), (RATIO, _denominator)),
    **dict.fromkeys("rdiv rtruediv reciprocal rsqrt".split(), (RATIO, _zero)),
    "pow": (RATIO, _inverse_power),
}
EXITS = {"numpy", "tolist", "item", "array"}


def _real(value: object) -> Tensor:
    if not isinstance(value, Tensor):
        return torch.as_tensor(value, dtype=torch.float64)
    return (value.real if value.is_complex() else value).detach().double()


def _columns(margin: Tensor, n: int) -> list[Tensor]:
    """The margins [n] in a tensor that has the n points along one of its dimensions."""
    if margin.ndim == 0 or n not in margin.shape:
        return []
    table = margin.movedim(margin.shape.index(n), 0).reshape(n, -1)
    if table.shape[1] > COLUMNS:  # zero where one of them is, and changes its sign there
        return [table.sign().prod(1) * table.abs().amin(1)]
    return list(table.unbind(1))


def recorded(function: Function, points: Tensor) -> Recorder:
    """Evaluate a function [N, d] -> [N] and record what it compares."""
    recorder = Recorder(len(points))
    with torch.no_grad(), recorder:
        function(points)
    return recorder


def margins(function: Function, points: Tensor) -> list[Tensor]:
    """The margins of everything that branches in a function, in the order of execution.

    Args:
        function: Maps points [N, d] to values [N], point by point; written in torch.
        points: [N, d].

    Returns:
        Tensors [N], without a graph; a branching flips where its margin is zero.
    """
    return recorded(function, points).margins


def leaves_torch(function: Function, points: Tensor) -> bool:
    """Test whether a function computes its values from points [N, d] outside torch, at least in part."""
    return recorded(function, points).opaque
