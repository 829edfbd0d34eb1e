"""Models of the curvature, by name: what a trust-region method knows about the loss beyond its gradient."""

from .base import Curvature, Dot, MatVec, Pair, Step
from .gauss_newton import GaussNewton
from .identity import Identity
from .lbfgs import LBFGS
from .lsr1 import LSR1, ShortLSR1
from .ssbroyden import SSBroyden

CURVATURES: dict[str, type[Curvature]] = {
    "identity": Identity,
    "lbfgs": LBFGS,
    "lsr1": LSR1,
    "lsr1-5": ShortLSR1,
    "ssbroyden": SSBroyden,
    "gauss-newton": GaussNewton,
}

__all__ = [
    "CURVATURES",
    "LBFGS",
    "LSR1",
    "Curvature",
    "Dot",
    "GaussNewton",
    "Identity",
    "MatVec",
    "Pair",
    "SSBroyden",
    "Step",
]
