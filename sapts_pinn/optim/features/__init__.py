"""Random features: one hidden layer that is drawn, its outer layer solved for by linear least squares.

optimizer: `FeatureSolve`, the method as an optimizer: a linear least-squares problem a step.
search: Widths and number of the units, found by the residual on fresh points.
places: Points, and units that are drawn.
sample: The terms of a loss at points, in terms of the outer layer.
newton: A Gauss-Newton step in the outer layer, within a radius.
"""

from .optimizer import FeatureSolve
from .places import OVER

__all__ = ["OVER", "FeatureSolve"]
