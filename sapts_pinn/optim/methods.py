"""Methods by name: rows of a table, each a sequence of phases with an optimizer and a share of the budget."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from torch import Tensor

from ..catalogue import METHODS as SAYS
from ..errors import InputError
from .base import Optimizer
from .baselines import LBFGS, Adam
from .curvature.make import curvature_by_size
from .features import FeatureSolve
from .options import Option, misfit
from .published import published
from .sapts import DECOMPOSITIONS, UNDIVIDED, Decomposition
from .sapts.optimizer import SAPTS
from .sapts.settings import Sweep
from .trust_region import TrustRegion

Make = Callable[..., Optimizer]


@dataclass(frozen=True)
class Phase:
    """A stretch of a run with one optimizer.

    Attributes:
        make: Builds it from the parameters (and options such as `radius`).
        share: Part of the run's budget after which the next phase begins.
        resample: Iterations between resamplings.
        divides: What the optimizer divides by itself, one of `DECOMPOSITIONS`.
        takers: Functions and records whose annotations say of which kinds the options are; by default `make`.
        takes_ranks: Whether it takes the ranks as `communicator`.
    """

    make: Make
    share: float = 1.0
    resample: int = 500
    divides: str | None = None
    takers: tuple[Callable[..., object], ...] = ()
    takes_ranks: bool = False

    def misfit(self, name: str, value: object) -> str | None:
        """The kind that an option must be of, in words, if its value is of another."""
        found = (misfit(name, value, taker) for taker in self.takers or (self.make,))
        return next(filter(None, found), None)


@dataclass(frozen=True)
class Method:
    """A named method.

    Attributes:
        summary: One line for the list.
        phases: In order.
    """

    summary: str
    phases: tuple[Phase, ...]

    @property
    def divides(self) -> str | None:
        """Name of its decomposition, if it divides anything into parts."""
        return next((phase.divides for phase in self.phases if phase.divides), None)

    @property
    def decomposition(self) -> Decomposition | None:
        """Its decomposition, if it divides anything into parts."""
        return None if self.divides is None else DECOMPOSITIONS[self.divides]

    @property
    def sharded(self) -> bool:
        """Every rank holds the parameters of its own parts only."""
        return self.decomposition is not None and self.decomposition.sharded

    @property
    def divides_points(self) -> bool:
        """Its parts have different points, and all of the parameters."""
        return self.decomposition is not None and self.decomposition.shared

    def misfit(self, name: str, value: object) -> str | None:
        """The kind that an option must be of, in words, if its value is of another."""
        return next(filter(None, (phase.misfit(name, value) for phase in self.phases)), None)


def _automatic(params: Sequence[Tensor], **options: Option) -> TrustRegion:
    """Dense self-scaled Broyden while its matrix is affordable, limited-memory BFGS beyond."""
    n, ranks = sum(p.numel() for p in params), options.get("communicator")
    curvature = curvature_by_size(n, 1 if ranks is None else ranks.size)
    return TrustRegion(params, **{"curvature": curvature, **options})


def _trust_region(summary: str, curvature: str, resample: int = 500, **fixed: Option) -> Method:
    """A row of `METHODS`: a trust region with a model of the curvature."""

    def make(params: Sequence[Tensor], **options: Option) -> TrustRegion:
        return TrustRegion(params, curvature, **{**fixed, **options})

    return Method(summary, (Phase(make, resample=resample, takers=(TrustRegion,), takes_ranks=True),))


def sapts(summary: str, decomposition: str, **fixed: Option) -> Method:
    """A row of `METHODS`: SAPTS with a decomposition.

    Args:
        summary: One line for the list.
        decomposition: One of `DECOMPOSITIONS`.
        fixed: Options that differ from the decomposition's; those of the sweep are told from those of the
            optimizer by their names.  `pipeline`, of stages: each rank holds its own ones only; if not, all.
    """
    names = {field.name for field in fields(Sweep)}

    def make(params: Sequence[Tensor], **options: Option) -> SAPTS:
        way = DECOMPOSITIONS[decomposition]
        chosen = {**way.options, **fixed, **options}
        if way.sharded and not chosen.pop("pipeline", True):
            way = UNDIVIDED
        sweep = Sweep(**{name: chosen.pop(name) for name in names if name in chosen})
        return SAPTS(params, way, sweep=sweep, **{"curvature": None, **chosen})

    phase = Phase(make, divides=decomposition, takers=(SAPTS, Sweep), takes_ranks=True)
    return Method(summary, (phase,))


METHODS: dict[str, Method] = {
    "auto": Method(
        SAYS["auto"],  # `solve` chooses; elsewhere it is tr
        (Phase(_automatic, takers=(TrustRegion,), takes_ranks=True),),
    ),
    "tr": Method(
        SAYS["tr"],
        (Phase(_automatic, takers=(TrustRegion,), takes_ranks=True),),
    ),
    "tr-ssbroyden": _trust_region(SAYS["tr-ssbroyden"], "ssbroyden"),
    "tr-gauss-newton": _trust_region(
        SAYS["tr-gauss-newton"],
        "gauss-newton",
        resample=25,
        target_ratio=0.1,
    ),
    "tr-lbfgs": _trust_region(SAYS["tr-lbfgs"], "lbfgs"),
    "tr-lsr1": _trust_region(SAYS["tr-lsr1"], "lsr1"),
    "tr-identity": _trust_region(SAYS["tr-identity"], "identity"),
    "sapts-d": sapts(SAYS["sapts-d"], "data", batch=0.25),
    "sapts-p": sapts(SAYS["sapts-p"], "parameters", batch=0.1),
    "sapts-ip": sapts(SAYS["sapts-ip"], "stages"),
    "thesis-sapts-d": sapts(SAYS["thesis-sapts-d"], "data", **published()),
    "thesis-sapts-p": sapts(SAYS["thesis-sapts-p"], "parameters", **published(kind="tensors", batch=1.0)),
    "thesis-sapts-ip": sapts(
        SAYS["thesis-sapts-ip"],
        "stages",
        **published(batch=1.0, local_curvature="identity"),
    ),
    "features": Method(SAYS["features"], (Phase(FeatureSolve, resample=0),)),
    "adam": Method(SAYS["adam"], (Phase(Adam),)),
    "lbfgs": Method(SAYS["lbfgs"], (Phase(LBFGS, resample=25),)),
    "adam-lbfgs": Method(SAYS["adam-lbfgs"], (Phase(Adam, 0.25), Phase(LBFGS, resample=25))),
}


def method(name: str) -> Method:
    """Look a method up.

    Raises:
        InputError: There is none of that name; the message suggests the nearest.
    """
    if name in METHODS:
        return METHODS[name]
    near = difflib.get_close_matches(name, METHODS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(METHODS)}"
    raise InputError(f"unknown method {name!r}; {hint}")
