"""Physics-informed neural networks, trained by trust-region methods that need no settings.

A `Problem` (equations on a geometry, written as in the paper) goes into `solve`, a `Solution` comes out: it
can be measured, plotted, exported, saved and resumed. The optimizers alone are in `sapts_pinn.optim`, the
shapes in `sapts_pinn.geometry`, a zoo of problems with reference solutions in `sapts_pinn.problems`.

Every name loads on first use (PEP 562): `import sapts_pinn` alone takes milliseconds and loads no torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import geometry, optim, problems
    from .problems import (
        BoundaryEquation,
        Coefficient,
        Dirichlet,
        Initial,
        Interface,
        Neumann,
        Observations,
        Periodic,
        Problem,
        Quantity,
        Robin,
        Unknown,
    )
    from .results.solution import Solution
    from .solving.run import solve

__version__ = "0.1.0"

__all__ = [
    "BoundaryEquation",
    "Coefficient",
    "Dirichlet",
    "Initial",
    "Interface",
    "Neumann",
    "Observations",
    "Periodic",
    "Problem",
    "Quantity",
    "Robin",
    "Solution",
    "Unknown",
    "geometry",
    "optim",
    "problems",
    "solve",
]

_SUBMODULES = {"geometry", "optim", "problems"}
_IN_SOLVE = {"Solution", "solve"}  # every other name is one of the vocabulary in problems


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _SUBMODULES:
        return import_module(f".{name}", __name__)
    value = getattr(import_module(".solve" if name in _IN_SOLVE else ".problems", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `sapts_pinn.solve` the function; importing the submodule `solve` would bind the module there."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "solve" and isinstance(value, ModuleType):
            value = value.solve
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
