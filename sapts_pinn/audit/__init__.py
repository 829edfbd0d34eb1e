"""Audit of a finished run: is the trained function consistent with the problem as the user wrote it?

A small loss says that the residual is small at the training points, in the form in which the loss sees it.
What a loss cannot see is looked for here, on fresh points, from the user's own functions and from the values
of the trained function:

- `residuals.py`: the residual between and beside the training points, in layers at faces and in spikes,
  and relative to the terms of the equation;
- `conditions.py`: all conditions, those that are exact by construction too, and the observations;
- `derivatives.py`: whether the derivatives that the equation reads are those of the values;
- `obstacles.py`: how far the solution passes an obstacle, and where it touches it;
- `mirrors.py`: whether the symmetries that are built in are those of the equation and the data;
- `sizes.py`: whether the solution is of the size that the equation asks for, and not trivially zero.

Each returns findings: one sentence each, with the figures that it rests on.
"""

from .findings import Audit, Finding, lines, together
from .run import audit, audited

__all__ = ["Audit", "Finding", "audit", "audited", "lines", "together"]
