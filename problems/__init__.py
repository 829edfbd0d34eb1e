"""Problems: the vocabulary to write them in, and a zoo of them with reference solutions."""

from .base import Problem, Term
from .conditions import (
    Coefficient,
    Condition,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Robin,
    Sites,
)
from .references import Reference
from .zoo import ZOO, build

__all__ = [
    "ZOO",
    "Coefficient",
    "Condition",
    "Dirichlet",
    "Initial",
    "Neumann",
    "Observations",
    "Periodic",
    "Problem",
    "Reference",
    "Robin",
    "Sites",
    "Term",
    "build",
]
