"""Settings of `solve`: the one list for its arguments, config.json, a resumed run and the command line.

A new setting is a field here and a parameter of `solve`.  Nothing here loads PyTorch.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from ..errors import InputError
from ..runs.content import Config
from ..training import settings as read
from ..training.budget import Budget
from ..training.settings import Arguments, Settings, setting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..callbacks.functions import Given
    from ..networks.build import NetworkSpec
    from ..parallel.communicator import Communicator
    from ..results.solution import Solution
    from .own_points import Points

AUTO = "auto"  # the method that `choice.py` chooses
OF_A_PROBLEM = (
    "network", "activation", "points", "condition_points", "sampler", "adaptive", "resample", "windows",
)  # fmt: skip


def _network(name: str, value: object) -> object:
    """Read a network: hidden widths, a module, or a function that makes one."""
    if callable(value):  # a module is
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        raise InputError(
            f"{name}={value} does not say how many layers there are: write ({value},) for a single hidden "
            f"layer of width {value}, ({value}, {value}, {value}) for three"
        )
    if not isinstance(value, (tuple, list)):
        raise InputError(
            f"{name} must be hidden widths such as (30, 30, 30), a module, or a function (inputs, outputs) "
            f"-> module, not {reprlib.repr(value)}"
        )
    return tuple(read.whole(f"a width of {name}", width) for width in value)


@dataclass(frozen=True)
class RunSettings(Settings):
    """Settings of one run of `solve`, whose docstring explains each."""

    method: str = setting(
        AUTO, read.word, "Training method, see `sapts-pinn list`; auto chooses. [default: auto]"
    )
    budget: Budget = setting(
        "2min", read.budget, '"2min", "500 iterations", "10000 evaluations". [default: 2min]'
    )
    seed: int = setting(0, read.seed, "Fixes the whole run. [default: 0]", int)
    target_error: float | None = setting(
        None, read.positive, "Stop when the relative L2 error is this small.", float
    )
    network: NetworkSpec = setting((30, 30, 30), _network, "Hidden widths. [default: 30,30,30]")
    activation: str = setting("tanh", read.word, "tanh, sin, gelu, silu or softplus. [default: tanh]")
    points: int = setting(
        8192, read.whole, "Collocation points of the equation. [default: 8192]", int, drawn=True
    )
    condition_points: int = setting(
        1024, read.whole, "Points of every weighted condition. [default: 1024]", int, drawn=True
    )
    sampler: str = setting(
        "sobol", read.word, "uniform, grid, lhs, sobol or halton. [default: sobol]", drawn=True
    )
    adaptive: float = setting(
        0.5,
        read.real,
        "Share of the points drawn where the residual is large. [default: 0.5]",
        float,
        kept=True,
    )
    windows: int = setting(
        1, read.whole, "Train a network for each of so many windows in time in turn. [default: 1]", int
    )
    resample: int | None = setting(
        None, read.steps, "Steps between resamplings, 0 for never. [default: the method's]", int, kept=True
    )
    dtype: str = setting("float64", read.dtype, "float64 or float32. [default: float64]")
    device: str = setting("cpu", read.word, "cpu, cuda, ... [default: cpu]")
    options: Arguments = setting(
        {}, read.options, "Setting of the method, as name=value, such as visits=0; may be repeated.", list
    )

    @classmethod
    def arguments(cls, config: Config) -> Arguments:
        """Arguments of `solve` that repeat the run of a config.json, as far as they can be written there.

        A network in words is the problem's own, which brings it along.
        """
        found = super().arguments(config)
        if config.get("own_points") is not None:  # the checkpoint has them
            found.pop("points"), found.pop("resample", None)
        network = found.pop("network", None)
        return {**found, "network": tuple(network)} if isinstance(network, list) else found


class SolveArguments(TypedDict, total=False):
    """Keyword arguments of `solve`, for type checkers: the result depends on `seeds` alone."""

    method: str
    budget: str | float | Budget
    init: Solution | None
    target_error: float | None
    accuracy: float | None
    seed: int
    network: NetworkSpec | None
    activation: str | None
    points: Points | None
    condition_points: int | None
    sampler: str | None
    adaptive: float | None
    resample: int | None
    windows: int | None
    dtype: str
    device: str
    threads: int | None
    parts: int | None
    options: Mapping[str, object] | None
    callbacks: Given | Iterable[Given]
    progress: bool | None
    out: str | Path | None
    overwrite: bool
    resume: str | Path | None
    source: str | None
    started: float | None
    communicator: Communicator | None


def defaults_of(problem: object) -> Mapping[str, object]:
    """The defaults that a problem has for `solve`.

    Raises:
        InputError: It is no problem, or names a setting that is not a problem's to choose; or PyTorch's
            default device is not the processor.
    """
    from ..problems import Problem  # loads PyTorch
    from ..problems.checks import check_default_device

    check_default_device()
    if not isinstance(problem, Problem):
        raise InputError(f"solve needs a Problem, such as build('poisson-1d'), not {problem!r}")
    if problem.eigenvalue is not None:
        raise InputError(
            f"{problem.name} is an eigenvalue problem, with many solutions: call eigenpairs(problem, count=5)"
        )
    for name in problem.options:
        if name not in OF_A_PROBLEM:
            raise InputError(
                f"the problem has the option {name!r}, which it cannot choose; its options may be "
                f"{', '.join(OF_A_PROBLEM)}"
            )
    return problem.options
