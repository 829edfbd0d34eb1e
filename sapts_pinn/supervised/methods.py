"""Methods by name for samples: trust regions on batches that grow, and what a user would otherwise pick.

The plain trust region is SAPTS with one part and no local steps: it has the batches.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..methods import Make, Method, Phase
from ..methods import method as known_method
from ..sapts import SAPTS
from ..sweep import Sweep
from .peers import Batched

BATCH = 0.02  # of the samples, in the first batch


def _plain(curvature: str) -> Make:
    def make(params: Sequence[Tensor], **options: Any) -> SAPTS:
        sweep = Sweep(local_steps=0, batch=options.pop("batch", BATCH))
        return SAPTS(params, "data", **{"parts": 1, "curvature": curvature, "sweep": sweep, **options})

    return make


def _first_order(kind: Callable[..., torch.optim.Optimizer], lr: float, **fixed: Any) -> Make:
    def make(params: Sequence[Tensor], lr: float = lr, batch: int = 128) -> Batched:
        params = list(params)
        return Batched(params, kind(params, lr=lr, **fixed), batch)

    return make


def _method(summary: str, make: Make, divides: str | None = None) -> Method:
    return Method(summary, (Phase(make, divides=divides),))


METHODS = {
    "tr": _method("trust region on growing batches, limited-memory BFGS", _plain("lbfgs"), "data"),
    "tr-gauss-newton": _method(
        "trust region on growing batches, Gauss-Newton by products", _plain("gauss-newton"), "data"
    ),
    "sapts-d": known_method("sapts-d"),
    "sapts-p": known_method("sapts-p"),
    "thesis-sapts-d": known_method("thesis-sapts-d"),
    "thesis-sapts-p": known_method("thesis-sapts-p"),
    "sgd": _method("SGD with momentum 0.9", _first_order(torch.optim.SGD, 0.1, momentum=0.9)),
    "adam": _method("Adam", _first_order(torch.optim.Adam, 1e-3)),
    "adamw": _method("AdamW", _first_order(torch.optim.AdamW, 1e-3)),
}


def find(name: str) -> Method:
    """A method by name.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in METHODS:
        near = difflib.get_close_matches(name, METHODS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(METHODS)}"
        raise ValueError(f"there is no method {name!r} for samples; {hint}")
    return METHODS[name]
