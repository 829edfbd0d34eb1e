"""Methods by name for samples: SAPTS on mini-batches, trust regions on growing batches, first-order peers.

The plain trust region is SAPTS with one part and no local steps: it has the batches.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..catalogue import METHODS_ON_SAMPLES as SAYS
from ..errors import InputError
from ..optim.curvature import LBFGS, Curvature, GaussNewton
from ..optim.methods import Make, Method, Phase
from ..optim.methods import method as known_method
from ..optim.minibatch.first_order import Batched
from ..optim.minibatch.optimizer import MiniBatchSAPTS
from ..optim.options import Option
from ..optim.sapts.optimizer import SAPTS
from ..optim.sapts.settings import Sweep

BATCH = 0.02  # of the samples, in the first batch of those that grow
PRODUCTS = 50  # with the Gauss-Newton matrix in a step
MICRO_BATCH = 128  # samples


def _plain(curvature: Callable[[], Curvature]) -> Make:
    def make(params: Sequence[Tensor], **options: Option) -> SAPTS:
        sweep = Sweep(local_steps=0, batch=options.pop("batch", BATCH))
        return SAPTS(params, "data", **{"parts": 1, "curvature": curvature(), "sweep": sweep, **options})

    return make


def _first_order(kind: Callable[..., torch.optim.Optimizer], lr: float, **fixed: Option) -> Make:
    def make(
        params: Sequence[Tensor], lr: float = lr, batch: int = MICRO_BATCH, decay: bool = True
    ) -> Batched:
        params = list(params)
        return Batched(params, kind(params, lr=lr, **fixed), batch, decay)

    return make


def _growing(summary: str, curvature: Callable[[], Curvature]) -> Method:
    phase = Phase(_plain(curvature), divides="data", takers=(SAPTS, Sweep))
    return Method(summary, (phase,))


def _micro(summary: str, make: Make) -> Method:
    return Method(summary, (Phase(make, resample=0),))  # samples are varied from epoch to epoch


def _sapts(summary: str, decomposition: str) -> Method:
    def make(params: Sequence[Tensor], **options: Option) -> MiniBatchSAPTS:
        return MiniBatchSAPTS(params, decomposition, **options)

    return Method(summary, (Phase(make, divides=decomposition, resample=0, takers=(MiniBatchSAPTS,)),))


METHODS = {
    "sapts-d": _sapts(SAYS["sapts-d"], "data"),
    "sapts-p": _sapts(SAYS["sapts-p"], "parameters"),
    "sapts-ip": _sapts(SAYS["sapts-ip"], "stages"),
    "tr": _growing(SAYS["tr"], LBFGS),
    "tr-gauss-newton": _growing(
        SAYS["tr-gauss-newton"],
        lambda: GaussNewton(matrix_free=True, iterations=PRODUCTS),
    ),
    "thesis-sapts-d": known_method("thesis-sapts-d"),
    "thesis-sapts-p": known_method("thesis-sapts-p"),
    "thesis-sapts-ip": known_method("thesis-sapts-ip"),
    "sgd": _micro(SAYS["sgd"], _first_order(torch.optim.SGD, 0.1, momentum=0.9)),
    "adam": _micro(SAYS["adam"], _first_order(torch.optim.Adam, 1e-3)),
    "adamw": _micro(SAYS["adamw"], _first_order(torch.optim.AdamW, 1e-3)),
}
ON_MICRO_BATCHES = ("sapts-d", "sapts-p", "sapts-ip", "sgd", "adam", "adamw")


def find(name: str) -> Method:
    """A method by name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in METHODS:
        near = difflib.get_close_matches(name, METHODS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(METHODS)}"
        raise InputError(f"there is no method {name!r} for samples; {hint}")
    return METHODS[name]
