"""A trained model with its history: evaluate, compare, draw, export, save, load."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..estimation.error_estimate import EFFORTS, ErrorEstimate, ErrorField, estimate_error
from ..estimation.tangent import TangentField
from ..networks.build import NetworkSpec
from ..networks.model import Location, Model
from ..networks.time_windows import WindowedModel, spread
from ..objectives.least_squares import residuals
from ..problems import Problem
from ..problems.answers import Answer, Coordinates
from ..problems.conditions.base import as_column, space_names
from ..problems.expressions import in_space
from ..problems.fields import Field, call_by_name, parse_derivative
from ..runs.content import Config, Result, Row
from .extrapolation import blanked, outside
from .reference_error import compared, error_measure, reference_values
from .storage import Stored, read, store
from .summary import summary
from .uncertainty import Uncertainty, combined_errors

if TYPE_CHECKING:
    import pyvista

log = logging.getLogger(__name__)


@dataclass
class Solution:
    """A trained model with its history.

    Attributes:
        problem: What was solved.
        model: The trained model; `model(points)` maps [N, dim] to [N, unknowns].
        config: Settings of the run.
        history: One dict for each recorded step.
        result: Summary of the run, as in result.json.
        uncertainty: Standard errors of the estimates; None without any, and of a run read from a folder.
    """

    problem: Problem
    model: Model | WindowedModel
    config: Config = field(repr=False)
    history: list[Row] = field(repr=False)
    result: Result
    uncertainty: Uncertainty | None = field(default=None, repr=False)

    @cached_property
    def coefficients(self) -> dict[str, float]:
        """Estimates of the unknown coefficients."""
        return self.model.values()

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of the coefficients by noise; infinite where the data do not determine one."""
        found = self.result.get("standard_errors", {})
        return {name: math.inf if value is None else value for name, value in found.items()}

    @property
    def estimate_errors(self) -> dict[str, float]:
        """Errors of the coefficients as printed beside them: by noise and by numerics, as far as known.

        The root of the sum of squares of `standard_errors` and of the numerical errors, see
        `sapts_pinn.results.numerical_error`.
        """
        return combined_errors(self.result)

    def standard_error(self, points: Coordinates) -> Answer:
        """The standard error of the unknowns at points, by noise of the data; as for `predict`.

        Raises:
            InputError: There were no data, or the run was read from a folder, where this is not kept.
        """
        if self.uncertainty is None:
            raise InputError(
                f"{self.problem.name} has no standard errors of its unknowns: they need observations and "
                "something to estimate, and are known after `solve` only"
            )
        flat, shape, torch_in = self._points(points)
        names = self.problem.unknown_names
        values = {name: self.uncertainty.of(name, flat).cpu().reshape(shape) for name in names}
        out = {name: v if torch_in else v.numpy() for name, v in values.items()}
        return out if len(out) > 1 else next(iter(out.values()))

    @cached_property
    def error_estimate(self) -> ErrorEstimate:
        """Estimate of the error without a reference, see `sapts_pinn.estimation.error_estimate`."""
        stored = self.result.get("error_estimate")
        return self._estimated[0] if stored is None else ErrorEstimate.from_json(stored)

    @cached_property
    def _estimated(self) -> tuple[ErrorEstimate, ErrorField | TangentField]:
        names, spread = self.problem.unknown_names, self.uncertainty

        def noise(points: Tensor) -> Tensor:
            assert spread is not None
            return torch.stack([spread.of(name, points).cpu() for name in names], 1)

        return estimate_error(
            self.model,
            EFFORTS,
            compared(self.problem) or None,
            None if spread is None else noise,
            seconds=self.result.get("seconds", 0.0),
            audit=self.result.get("audit"),
        )

    def error_field(self, points: Coordinates) -> Answer:
        """The estimated error e at points, so that u + e is nearer to the truth; as for `predict`."""
        flat, shape, torch_in = self._points(points)
        rows = [column.reshape(shape) for column in self._estimated[1](flat).unbind(1)]
        names = self.problem.unknown_names
        out = {name: v if torch_in else v.numpy() for name, v in zip(names, rows, strict=True)}
        return out if len(out) > 1 else next(iter(out.values()))

    def add_estimate(self) -> None:
        """Put the error estimate into the result; what goes wrong with it becomes a remark there."""
        self.result.pop("error_estimate", None)
        try:
            self.result["error_estimate"] = self.error_estimate.as_json()
        except Exception as error:  # a finished run is never lost for it
            self.result["error_estimate"] = None
            text = f"there is no error estimate: {type(error).__name__}: {error}"
            log.warning(text, exc_info=error)
            self.result["remarks"] = [*self.result.get("remarks", ()), text]

    def _points(self, points: Coordinates) -> tuple[Tensor, tuple[int, ...], bool]:
        names = self.problem.domain.names
        if not isinstance(points, Mapping):
            raise InputError(
                f"points must give the coordinates by name, such as {{{names[0]!r}: 0.5, ...}}, "
                f"not {type(points).__name__}"
            )
        for name in (*points, *names):
            if name not in names or name not in points:
                raise InputError(
                    f"points must give exactly the coordinates {', '.join(names)}, not {', '.join(points)}"
                )
        torch_in = any(isinstance(v, Tensor) for v in points.values())
        columns = torch.broadcast_tensors(
            *(torch.as_tensor(points[name], dtype=torch.float64).detach().cpu() for name in names)
        )
        return torch.stack([c.reshape(-1) for c in columns], 1), tuple(columns[0].shape), torch_in

    def _evaluate(self, points: Tensor, index: tuple[int, ...]) -> dict[str, Tensor]:
        names = self.problem.unknown_names
        out = {name: torch.empty(len(points), dtype=torch.float64) for name in names}
        with torch.no_grad():
            for model, chosen in spread(self.model, points):
                for chunk in chosen.split(16_384):
                    location = Location(model, points[chunk], {name: (index,) for name in names})
                    fields = location.fields(location.network_jet())
                    for name in names:
                        field = fields[name].d(*(self.problem.domain.names[i] for i in index))
                        out[name][chunk] = field.value.cpu().to(torch.float64)
        return out

    def predict(self, points: Coordinates, extrapolate: bool = False) -> Answer:
        """The unknowns at points.

        Args:
            points: Coordinates by name, NumPy arrays, tensors or numbers that broadcast.
            extrapolate: Whether to answer outside the domain with what the network happens to say there; by
                default the values there are NaN, and a warning says so.

        Returns:
            An array of the broadcast shape (a tensor if a coordinate is one); for a system a dict of them by
            unknown.
        """
        return self._derivative(points, "", extrapolate)

    def derivative(self, points: Coordinates, which: str, extrapolate: bool = False) -> Answer:
        """A derivative of the unknowns, such as "x", "xx" or "xt"; arguments and result as for `predict`.

        Raises:
            InputError: `which` is not made of coordinate names.
        """
        return self._derivative(points, which, extrapolate)

    def _derivative(self, points: Coordinates, which: str, extrapolate: bool) -> Answer:
        index = parse_derivative(which, self.problem.domain.names) if isinstance(which, str) else None
        if index is None:
            raise InputError(
                f"a derivative is given by the coordinates {', '.join(self.problem.domain.names)}, such as "
                f"{2 * self.problem.domain.names[0]!r}, not by {which!r}"
            )
        flat, shape, torch_in = self._points(points)
        found = self._evaluate(flat, index)
        if not extrapolate:
            found = dict(zip(found, self._blanked([*found.values()], flat, 1), strict=True))
        values = {name: v.reshape(shape) for name, v in found.items()}
        out = {name: v if torch_in else v.numpy() for name, v in values.items()}
        return out if len(out) > 1 else next(iter(out.values()))

    def _blanked(self, rows: Sequence[Tensor], points: Tensor, inner: int = 0) -> list[Tensor]:
        """NaN outside the domain, told by a warning at the line of the user, `inner` calls further up."""
        return blanked(rows, self.problem.domain, points, 3 + inner)

    def evaluate(
        self, function: Callable[..., object], points: Coordinates, extrapolate: bool = False
    ) -> Answer:
        """An expression of the unknowns and their derivatives, such as a flux or a stress.

            solution.evaluate(lambda u, v: v.x - u.y, {"x": x, "y": y})

        Args:
            function: Of unknowns, coordinates and coefficients, matched by parameter name, written like an
                equation: u.x is a derivative.  It returns a tensor, or a tuple of them.
            points: As for `predict`.
            extrapolate: As for `predict`.

        Returns:
            An array of the broadcast shape (a tensor if a coordinate is one), or a tuple of them.

        Raises:
            InputError: The function asks for a name that is not there, or contains a mistake.
        """
        flat, shape, torch_in = self._points(points)
        domain = self.problem.domain

        @cache
        def everything(index: tuple[int, ...]) -> dict[str, Tensor]:
            return self._evaluate(flat, index)

        def channels(name: str) -> Callable[[tuple[int, ...]], Tensor]:
            return lambda index: everything(index)[name]

        unknowns = self.problem.unknown_names
        known: dict[str, object] = {n: Field(n, domain.names, channels(n)) for n in unknowns}
        known |= {name: flat[:, i] for i, name in enumerate(domain.names)}
        known |= {name: torch.tensor(value, dtype=flat.dtype) for name, value in self.coefficients.items()}
        what = "the expression"
        with in_space(space_names(domain)):
            result = call_by_name(function, known, what)
        rows = result if isinstance(result, (tuple, list)) else (result,)
        columns = [as_column(row, flat.shape[0], what, flat) for row in rows]
        columns = columns if extrapolate else self._blanked(columns, flat)
        out = tuple(c.reshape(shape) if torch_in else c.reshape(shape).numpy() for c in columns)
        return out if isinstance(result, (tuple, list)) else out[0]

    @cached_property
    def quantities(self) -> dict[str, dict[str, float | None]]:
        """The problem's quantities: for each `value`, `reference` and `relative_error`.

        Raises:
            InputError: The function of a quantity is wrong.
        """
        return {name: quantity.of(self, name) for name, quantity in self.problem.quantities.items()}

    def residual(self, points: Coordinates, extrapolate: bool = False) -> Answer:
        """The equation's residual at points, as for `predict`; a list of arrays for several equations."""
        flat, shape, torch_in = self._points(points)
        found = torch.empty(self.problem.equation_term.rows, len(flat), dtype=torch.float64)
        for model, chosen in spread(self.model, flat):
            found[:, chosen] = residuals(model, flat[chosen])
        rows = [r.reshape(shape) for r in (found if extrapolate else self._blanked([*found], flat))]
        out = [r if torch_in else r.numpy() for r in rows]
        return out if len(out) > 1 else out[0]

    def reference(self, points: Coordinates) -> dict[str, Answer] | None:
        """The reference's values by unknown, shaped as by `predict`; None where there is no reference."""
        flat, shape, torch_in = self._points(points)
        values = reference_values(self.problem, flat)
        if values is None:
            return None
        rows = [v.reshape(shape) for v in values.unbind(1)]
        names = self.problem.unknown_names
        return {name: v if torch_in else v.numpy() for name, v in zip(names, rows, strict=True)}

    def error(self, points: Coordinates | None = None, values: Answer = None) -> float:
        """The relative L2 error against the problem's reference, or against data.

        Args:
            points: Coordinates of the data.
            values: The data (a dict by unknown for a system); NaN entries are ignored, as are points outside
                the domain, with a warning.

        Raises:
            InputError: There is neither a reference nor data.
        """
        if points is None:
            measure = error_measure(self.problem)
            if measure is None:
                raise InputError(
                    f"{self.problem.name} has no reference; give points and values to compare with"
                )
            return measure(self.model)
        found = self.predict(points)
        flat, shape, _ = self._points(points)
        inside = (~outside(self.problem.domain, flat)).reshape(shape).numpy()
        pairs = [(found[n], values[n]) for n in found] if isinstance(found, dict) else [(found, values)]
        above = below = 0.0
        for ours, theirs in pairs:
            a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
            known = np.isfinite(b) & inside
            above += float(((a - b)[known] ** 2).sum())
            below += float((b[known] ** 2).sum())
        return math.sqrt(above / below)

    def plot(self, path: str | Path, kind: str | None = None, field: str | None = None, **at: float) -> Path:
        """Draw the solution (and its error, where a reference is known) into a picture.

        Args:
            path: Where; the extension gives the format.
            kind: Of a scene in space that PyVista renders, such as "warp" or "slices", in place of flat
                pictures; see `sapts_pinn.viz.scene`.
            field: What its colours show: an unknown or another field of `to_pyvista`; None chooses.
            at: Values of some coordinates of the scene, such as t=0.5.

        Raises:
            InputError: The extension is no picture's, or there is no such scene.
        """
        from ..viz import plot_solution, title_of
        from ..viz.scene import draw

        if kind is None and field is None and not at:
            return plot_solution(self, Path(path))
        return draw(self, Path(path), field, kind, at, title_of(self))

    def show(self, kind: str | None = None, field: str | None = None, **at: float) -> None:
        """Show a scene in a window, or in a notebook; arguments and errors as of `plot`."""
        from ..viz import scene, title_of

        scene.show(self, field, kind, at, title_of(self))

    def to_pyvista(self, resolution: int | None = None, **at: float) -> pyvista.UnstructuredGrid:
        """The solution as a dataset of PyVista: unknowns, errors, gradients and residual.

        Args:
            resolution: Points along each coordinate of a grid; 1001, 201 or 41 by default, for one, two or
                three coordinates.  On a mesh the fields are given at its points.
            at: Values of some coordinates, such as t=0.5; of a mesh in time the end otherwise.

        Raises:
            InputError: There is no such coordinate, or nothing of the domain there.
        """
        from ..viz.dataset import to_pyvista

        return to_pyvista(self, resolution, at)

    def animate(self, path: str | Path, frames: int = 40, seconds: float = 4.0) -> Path:
        """Write a .gif animation over time: `frames` frames in `seconds` seconds."""
        from ..viz import animate_solution

        return animate_solution(self, Path(path), frames, seconds)

    def export(self, path: str | Path, frames: int = 21) -> Path:
        """Write the fields for ParaView: .vtu, .vts, .pvd (frames in time) or any format meshio writes."""
        from ..viz.export import export_solution

        return export_solution(self, Path(path), frames)

    def save(self, folder: str | Path, overwrite: bool = True) -> Path:
        """Write the model, configuration, history and result into a folder that `Solution.load` reads.

        In the folder of its own run the checkpoint and the pictures stay, so that the run can go on.

        Args:
            folder: Where.
            overwrite: Whether it may hold another run, whose files are replaced.

        Raises:
            InputError: The folder holds files that no run has written, or cannot be written.
        """
        run = Stored(self.problem, self.model, self.config, self.history, self.result)
        return store(run, folder, overwrite)

    @classmethod
    def load(
        cls, folder: str | Path, problem: Problem | None = None, network: NetworkSpec | None = None
    ) -> Solution:
        """Read a run folder.

        Args:
            folder: Written by `save`, or by `solve(out=...)`.
            problem: Needed when it is not one of the zoo.
            network: Needed when the network was not given by widths.

        Raises:
            InputError: The folder holds no run, or one of another problem.
        """
        run = read(folder, problem, network)
        return cls(run.problem, run.model, run.config, run.history, run.result)

    def __str__(self) -> str:
        return "\n".join(summary(self.problem, self.result))
