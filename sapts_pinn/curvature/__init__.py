"""Models of the curvature, by name."""

from .base import Curvature, Step
from .gauss_newton import GaussNewton
from .identity import Identity
from .lsr1 import LSR1
from .ssbroyden import SSBroyden

CURVATURES: dict[str, type[Curvature]] = {
    "identity": Identity,
    "lsr1": LSR1,
    "ssbroyden": SSBroyden,
    "gauss-newton": GaussNewton,
}

__all__ = ["CURVATURES", "Curvature", "GaussNewton", "Identity", "LSR1", "SSBroyden", "Step"]
