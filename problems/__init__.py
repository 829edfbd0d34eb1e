"""Problems: the vocabulary to write them in, and a zoo of them with reference solutions."""

from .base import Problem, Term
from .boundary_equation import BoundaryEquation
from .conditions import (
    Condition,
    Dirichlet,
    Initial,
    Neumann,
    Periodic,
    Robin,
    Sites,
)
from .interface import Interface
from .observations import Observations
from .quantities import Quantity
from .references import Reference
from .unknowns import Coefficient, Unknown
from .zoo import ZOO, build

__all__ = [
    "ZOO",
    "BoundaryEquation",
    "Coefficient",
    "Condition",
    "Dirichlet",
    "Initial",
    "Interface",
    "Neumann",
    "Observations",
    "Periodic",
    "Problem",
    "Quantity",
    "Reference",
    "Robin",
    "Sites",
    "Term",
    "Unknown",
    "build",
]
