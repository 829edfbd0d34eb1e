"""Protocol of a solution as pictures and files of fields need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..networks.model import Model
from ..networks.time_windows import WindowedModel
from ..problems import Problem
from ..problems.answers import Answer, Coordinates
from ..runs.content import Result


class View(Protocol):
    """A solution as it is drawn; `Solution` is one."""

    @property
    def problem(self) -> Problem:
        """Problem that was solved."""

    @property
    def model(self) -> Model | WindowedModel:
        """The trained model."""

    @property
    def result(self) -> Result:
        """The content of result.json."""

    @property
    def coefficient_texts(self) -> dict[str, str]:
        """Coefficients with their errors in figures, by name."""

    @property
    def uncertainty(self) -> object | None:
        """Standard errors of the estimates; None without any."""

    def predict(self, points: Coordinates, extrapolate: bool = False) -> Answer:
        """Unknowns at points: an array, or a dict of them by name."""

    def derivative(self, points: Coordinates, which: str, extrapolate: bool = False) -> Answer:
        """A derivative of the unknowns at points, such as "x": an array, or a dict of them by name."""

    def evaluate(
        self, function: Callable[..., object], points: Coordinates, extrapolate: bool = False
    ) -> Answer:
        """An expression of the unknowns and their derivatives at points."""

    def standard_error(self, points: Coordinates) -> Answer:
        """Standard errors of the unknowns at points: an array, or a dict of them by name."""

    def error_field(self, points: Coordinates) -> Answer:
        """Estimated errors at points: an array, or a dict of them by name."""

    def reference(self, points: Coordinates) -> dict[str, Answer] | None:
        """The reference at points, by name; None without one."""

    def residual(self, points: Coordinates, extrapolate: bool = False) -> Answer:
        """Residuals of the equations at points."""
