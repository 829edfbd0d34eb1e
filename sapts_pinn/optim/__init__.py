"""The optimizers, for people with their own training loop.

    optimizer = TrustRegion(model.parameters(), "lsr1")

    def closure():
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        return loss

    optimizer.step(closure)

A step evaluates the closure at both of its ends, on the same data: the batch may change between steps, not
within one. `ClosureObjective` adds what a plain closure cannot tell; `LeastSquares` is the loss of a PDE on
given points, with all that it knows of its own curvature.  The curvature models are in
`sapts_pinn.optim.curvature`.
"""

from ..objectives.base import Counters, Evaluation, Objective
from ..objectives.closure import ClosureObjective
from ..objectives.least_squares import LeastSquares, LeastSquaresEvaluation
from .base import WrongGradient
from .baselines import LBFGS, Adam
from .curvature import CURVATURES, LSR1, Curvature, GaussNewton, Identity, SSBroyden
from .minibatch.optimizer import MiniBatchSAPTS
from .radius import RadiusRule
from .sapts.optimizer import SAPTS
from .sapts.settings import Sweep
from .trust_region import TrustRegion

__all__ = [
    "CURVATURES",
    "LBFGS",
    "LSR1",
    "SAPTS",
    "Adam",
    "ClosureObjective",
    "Counters",
    "Curvature",
    "Evaluation",
    "GaussNewton",
    "Identity",
    "LeastSquares",
    "LeastSquaresEvaluation",
    "MiniBatchSAPTS",
    "Objective",
    "RadiusRule",
    "SSBroyden",
    "Sweep",
    "TrustRegion",
    "WrongGradient",
]
