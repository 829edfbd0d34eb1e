"""Protocol of a solution as pictures and files of fields need it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..problems import Problem


class View(Protocol):
    """A solution as it is drawn; `Solution` is one."""

    @property
    def problem(self) -> Problem:
        """Problem that was solved."""

    @property
    def result(self) -> dict[str, Any]:
        """The content of result.json."""

    def predict(self, points: Mapping[str, Any], extrapolate: bool = False) -> Any:
        """Unknowns at points: an array, or a dict of them by name."""

    def error_field(self, points: Mapping[str, Any]) -> Any:
        """Estimated errors at points: an array, or a dict of them by name."""

    def reference(self, points: Mapping[str, Any]) -> dict[str, Any] | None:
        """The reference at points, by name; None without one."""

    def residual(self, points: Mapping[str, Any], extrapolate: bool = False) -> Any:
        """Residuals of the equations at points."""
