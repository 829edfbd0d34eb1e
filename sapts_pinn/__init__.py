"""Physics-informed neural networks, trained by trust-region methods that need no settings.

A `Problem` (equations on a geometry, written as in the paper) goes into `solve`, a `Solution` comes out: it
can be measured, plotted, exported, saved and resumed. The optimizers alone are in `sapts_pinn.optim`, the
shapes in `sapts_pinn.geometry`, a zoo of problems with reference solutions in `sapts_pinn.problems`.

Every name loads on first use (PEP 562): `import sapts_pinn` alone takes milliseconds and loads no torch.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import geometry, optim, problems
    from .problems import (
        BoundaryEquation,
        Coefficient,
        Complex,
        Contact,
        Dirichlet,
        Eigenvalue,
        Initial,
        Integral,
        IntegralCondition,
        Interface,
        LineSource,
        Neumann,
        Observations,
        Obstacle,
        Periodic,
        PointSource,
        Problem,
        Quantity,
        Robin,
        Table,
        Unknown,
        curl,
        diff,
        div,
        dot,
        grad,
        laplace,
    )
    from .results.solution import Solution
    from .solving.comparison import compare
    from .solving.eigenpairs import eigenpairs
    from .solving.run import solve

logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent unless the application wants to hear

__all__ = [
    "BoundaryEquation",
    "Coefficient",
    "Complex",
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
    "Robin",
    "Solution",
    "Table",
    "Unknown",
    "compare",
    "curl",
    "diff",
    "div",
    "dot",
    "eigenpairs",
    "geometry",
    "grad",
    "laplace",
    "optim",
    "problems",
    "solve",
]

_SUBMODULES = {"geometry", "optim", "problems"}
_ELSEWHERE = {  # every other name is in problems
    "Solution": ".results.solution",
    "compare": ".solving.comparison",
    "eigenpairs": ".solving.eigenpairs",
    "solve": ".solving.run",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _SUBMODULES:
        return import_module(f".{name}", __name__)
    value = getattr(import_module(_ELSEWHERE.get(name, ".problems"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
