"""A trained model with its history: evaluate, compare, draw, export, save, load."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import InputError
from ..estimation.error_estimate import EFFORTS, ErrorEstimate, Field, estimate_error
from ..networks.build import NetworkSpec
from ..networks.by_value import ByValue
from ..networks.model import Model
from ..networks.time_windows import WindowedModel, spread
from ..objectives.least_squares import residuals
from ..problems import Problem
from ..problems.answers import Answer, Coordinates, Points
from ..problems.conditions.base import as_column, space_names
from ..problems.expressions import in_space
from ..problems.fields import call_by_name, parse_derivative
from ..runs.content import Config, Result, Row
from .evaluation import derivative_at, named
from .extrapolation import blanked, outside
from .pictures import Pictures
from .places import Places, places
from .reference_error import compared, data_error, error_measure, reference_values
from .storage import Stored, read, store
from .summary import summary, title_line
from .uncertainty import Uncertainty, combined_errors, estimate

if TYPE_CHECKING:
    import pyvista

log = logging.getLogger(__name__)


@dataclass(repr=False)
class Solution(Pictures, ByValue):
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
    config: Config
    history: list[Row]
    result: Result
    uncertainty: Uncertainty | None = None

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

    @property
    def coefficient_texts(self) -> dict[str, str]:
        """Coefficients with their errors in figures, as they are printed."""
        errors, found = self.estimate_errors, self.result.get("coefficients", {})
        return {name: estimate(value, errors.get(name), "±") for name, value in found.items()}

    def standard_error(self, points: Points) -> Answer:
        """The standard error of the unknowns at points, by noise of the data; as for `predict`.

        Raises:
            InputError: There were no data, or the run was read from a folder, where this is not kept.
        """
        if self.uncertainty is None:
            raise InputError(
                f"{self.problem.name} has no standard errors of its unknowns: they need observations and "
                "something to estimate, and are known after `solve` only"
            )
        at, names = self._places(points), self.problem.unknown_names
        return at.answer({name: self.uncertainty.of(name, at.plain).cpu() for name in names})

    @cached_property
    def error_estimate(self) -> ErrorEstimate:
        """Estimate of the error without a reference, see `sapts_pinn.estimation.error_estimate`."""
        stored = self.result.get("error_estimate")
        return self._estimated[0] if stored is None else ErrorEstimate.from_json(stored)

    @cached_property
    def _estimated(self) -> tuple[ErrorEstimate, Field]:
        noise = self.uncertainty
        return estimate_error(
            self.model,
            EFFORTS,
            compared(self.problem) or None,
            None if noise is None else partial(noise.of_all, self.problem.unknown_names),
            seconds=self.result.get("seconds", 0.0),
            audit=self.result.get("audit"),
        )

    def error_field(self, points: Points) -> Answer:
        """The estimated error e at points, so that u + e is nearer to the truth; as for `predict`."""
        at = self._places(points)
        columns = self._estimated[1](at.plain).unbind(1)
        return at.answer(dict(zip(self.problem.unknown_names, columns, strict=True)))

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

    def _places(self, points: Points | None, coordinates: Coordinates | None = None) -> Places:
        return places(self.problem.domain.names, points, coordinates or {})

    def predict(
        self, points: Points | None = None, extrapolate: bool = False, **coordinates: ArrayLike | Tensor
    ) -> Answer:
        """The unknowns at points.

            solution.predict(x=0.5, t=np.linspace(0, 1, 11))
            solution.predict([(0.5, 0.1), (0.5, 0.2)])

        Args:
            points: Coordinates by name: arrays, tensors or numbers that broadcast; or [..., dim], the
                coordinates in the last axis in the order of the domain.
            extrapolate: Whether to answer outside the domain with what the network happens to say there; by
                default the values there are NaN, and a warning says so.
            coordinates: The coordinates by keyword, in place of `points`.

        Returns:
            An array of the shape of the points; for a system a dict of them by unknown.  A tensor if one was
            given, with a graph if one requires a gradient: it can be differentiated to any order.

        Raises:
            InputError: A coordinate is missing or unknown, or the shapes do not fit.
        """
        return self._derivative(self._places(points, coordinates), "", extrapolate)

    def derivative(
        self,
        points: Points | None = None,
        which: str = "",
        extrapolate: bool = False,
        **coordinates: ArrayLike | Tensor,
    ) -> Answer:
        """A derivative of the unknowns, such as "x", "xx" or "xt"; arguments and result as for `predict`.

        Raises:
            InputError: `which` is not made of coordinate names; or as for `predict`.
        """
        return self._derivative(self._places(points, coordinates), which, extrapolate)

    def _derivative(self, at: Places, which: str, extrapolate: bool) -> Answer:
        index = parse_derivative(which, self.problem.domain.names) if isinstance(which, str) else None
        if index is None:
            raise InputError(
                f"a derivative is given by the coordinates {', '.join(self.problem.domain.names)}, such as "
                f"{2 * self.problem.domain.names[0]!r}, not by {which!r}"
            )
        found = derivative_at(self.model, at.flat, index)
        if not extrapolate:
            found = dict(zip(found, self._blanked([*found.values()], at.plain, 1), strict=True))
        return at.answer(self.problem.complex_parts.joined(found))

    def _blanked(self, rows: Sequence[Tensor], points: Tensor, inner: int = 0) -> list[Tensor]:
        """NaN outside the domain, told by a warning at the line of the user, `inner` calls further up."""
        return blanked(rows, self.problem.domain, points, 3 + inner)

    def evaluate(
        self,
        function: Callable[..., object],
        points: Points | None = None,
        extrapolate: bool = False,
        **coordinates: ArrayLike | Tensor,
    ) -> Answer:
        """An expression of the unknowns and their derivatives, such as a flux or a stress.

            solution.evaluate(lambda u, v: v.x - u.y, {"x": x, "y": y})

        Args:
            function: Of unknowns, coordinates and coefficients, matched by parameter name, written like an
                equation: u.x is a derivative.  It returns a tensor, or a tuple of them.
            points: As for `predict`.
            extrapolate: As for `predict`.
            coordinates: As for `predict`.

        Returns:
            An array or a tensor as for `predict`, or a tuple of them.

        Raises:
            InputError: The function asks for a name that is not there, or contains a mistake.
        """
        at, what = self._places(points, coordinates), "the expression"
        function = self.problem.complex_parts.asked(function)
        with in_space(space_names(self.problem.domain)):
            result = call_by_name(function, named(self.model, at.flat), what)
        rows = result if isinstance(result, (tuple, list)) else (result,)
        columns = [as_column(row, len(at.flat), what, at.flat, complex_too=True) for row in rows]
        if not extrapolate:
            columns = self._blanked(columns, at.plain)
        out = tuple(at.shaped(c) for c in columns)
        return out if isinstance(result, (tuple, list)) else out[0]

    @cached_property
    def quantities(self) -> dict[str, dict[str, float | None]]:
        """The problem's quantities: for each `value`, `reference` and `relative_error`.

        Raises:
            InputError: The function of a quantity is wrong.
        """
        return {name: quantity.of(self, name) for name, quantity in self.problem.quantities.items()}

    def residual(
        self, points: Points | None = None, extrapolate: bool = False, **coordinates: ArrayLike | Tensor
    ) -> Answer:
        """The equation's residual at points, as for `predict` but without a graph; a list for several."""
        at = self._places(points, coordinates)
        flat = at.plain
        found = torch.empty(self.problem.equation_term.rows, len(flat), dtype=torch.float64)
        for model, chosen in spread(self.model, flat):
            found[:, chosen] = residuals(model, flat[chosen])
        out = [at.shaped(row) for row in (found if extrapolate else self._blanked([*found], flat))]
        return out if len(out) > 1 else out[0]

    def reference(self, points: Points) -> dict[str, Answer] | None:
        """The reference's values by unknown, shaped as by `predict`; None where there is no reference."""
        at = self._places(points)
        values = reference_values(self.problem, at.plain)
        if values is None:
            return None
        columns = zip(self.problem.unknown_names, values.unbind(1), strict=True)
        return {name: at.shaped(column) for name, column in columns}

    def error(self, points: Points | None = None, values: Answer = None) -> float:
        """The relative L2 error against the problem's reference, or against data.

        Args:
            points: Where the data are, as for `predict`.
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
        with torch.no_grad():
            found, at = self.predict(points), self._places(points)
        inside = (~outside(self.problem.domain, at.plain)).reshape(at.shape).numpy()
        return data_error(found, values, inside)

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

    def export(self, path: str | Path, frames: int = 21) -> Path:
        """Write fields, for ParaView, a spreadsheet or NumPy, or the model itself.

        Args:
            path: Where.  Fields: .vtu, .vts, .vti, .pvd and .xdmf (frames in time), .csv, .npz, or another
                format of `sapts_pinn.viz.export`.  The model: .pt2, .onnx, .safetensors, see
                `sapts_pinn.results.model_files`.
            frames: Number of moments of a .pvd or .xdmf file.

        Raises:
            InputError: There is no such format, or a package that it needs is not installed.
        """
        from ..viz.export import export_solution
        from .model_files import WRITERS, export_model

        if Path(path).suffix.lower() in WRITERS:
            return export_model(self.model, self.config, Path(path))
        return export_solution(self, Path(path), frames)

    def cite(self) -> str:
        """BibTeX of the package and of the papers of the methods that this run used."""
        from .citations import Used, citations

        return citations(Used(self.problem, self.model, self.config, self.result))

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

    def __repr__(self) -> str:
        return f"Solution({title_line(self.result)})"

    def _repr_html_(self) -> str:
        from .notebook import notebook_html

        return notebook_html(self, summary(self.problem, self.result))
