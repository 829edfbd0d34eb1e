"""Numbers as tensors in float64, for exporters that round those of Python to float32, as the one of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

ARITHMETIC = {
    *("add", "sub", "rsub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "pow", "where"),
    *("clamp", "clamp_min", "clamp_max", "clip", "maximum", "minimum"),
    *(f"__{side}{name}__" for side in ("", "r") for name in ("add", "sub", "mul", "truediv", "pow", "div")),
}


class ExactConstants(nn.Module):
    """A module in whose arithmetic numbers are tensors; what it computes is the same.

    Args:
        module: The module.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, points: Tensor) -> Tensor:
        """Call the module."""
        with _Tensors():
            out: Tensor = self.module(points)
        return out


class _Tensors(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if name == "full_like" and isinstance(args[-1], float):
            like, value = args
            return torch.tensor(value, dtype=like.dtype).expand(like.shape)
        if name in ARITHMETIC:
            return func(*map(_exact, args), **{key: _exact(value) for key, value in kwargs.items()})
        return func(*args, **kwargs)


def _exact(value: object) -> object:
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, float) else value
