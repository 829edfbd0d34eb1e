"""Problems: the vocabulary to write them in, and a zoo of them with reference solutions."""

from .complex_unknowns import Complex
from .conditions.base import Condition, Sites
from .conditions.boundary import Dirichlet, Neumann, Periodic, Robin
from .conditions.boundary_equation import BoundaryEquation
from .conditions.contact import Contact
from .conditions.initial import Initial
from .conditions.integral import IntegralCondition
from .conditions.interface import Interface
from .conditions.observations import Observations
from .elsewhere.integral import Integral
from .families import family
from .functions.table import Table
from .obstacles import Obstacle
from .operators import curl, diff, div, dot, grad, laplace
from .problem import Problem
from .quantities import Quantity
from .references import Reference
from .sources import LineSource, PointSource
from .term import Term
from .unknowns import Coefficient, Eigenvalue, Unknown
from .zoo import ZOO, build

__all__ = [
    "ZOO",
    "BoundaryEquation",
    "Coefficient",
    "Complex",
    "Condition",
    "Contact",
    "Dirichlet",
    "Eigenvalue",
    "Initial",
    "Integral",
    "IntegralCondition",
    "Interface",
    "LineSource",
    "Neumann",
    "Observations",
    "Obstacle",
    "Periodic",
    "PointSource",
    "Problem",
    "Quantity",
    "Reference",
    "Robin",
    "Sites",
    "Table",
    "Term",
    "Unknown",
    "build",
    "curl",
    "diff",
    "div",
    "dot",
    "family",
    "grad",
    "laplace",
]
