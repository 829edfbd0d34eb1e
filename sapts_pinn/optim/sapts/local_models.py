"""Models of the curvature that subdomains have of their own, with their radii."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.optim.optimizer import StateDict

from ..curvature import Curvature
from ..curvature.make import curvature_by_size, curvature_name, make_curvature
from ..snapshot import placed
from .subdomain import Subdomain


class LocalModels:
    """For each subdomain that was visited its own model of the curvature and its radius.

    Args:
        name: Kind of the models, of `CURVATURES`; None where the size of each subdomain decides: dense while
            its matrix fits, by the same limit as for the whole.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.models: dict[int, tuple[Curvature, float]] = {}

    def of(self, part: Subdomain, n: int, radius: float) -> tuple[Curvature, float]:
        """Return the model and the radius of a subdomain; a fresh model with the radius given before.

        Args:
            part: The subdomain.
            n: Number of parameters of the whole.
            radius: For a subdomain that was not visited yet.
        """
        found = self.models.get(part.number)
        if found is not None:
            return found
        size = n if part.indices is None else len(part.indices)
        return make_curvature(self.name or curvature_by_size(size)), radius

    def keep(self, part: Subdomain, curvature: Curvature, radius: float) -> None:
        """Remember the model and the radius of a subdomain."""
        self.models[part.number] = curvature, radius

    def resize(self, change: Callable[[float], float]) -> None:
        """Change all radii."""
        self.models = {i: (curvature, change(radius)) for i, (curvature, radius) in self.models.items()}

    def clear(self) -> None:
        """Forget all models."""
        self.models = {}

    def state_dict(self) -> dict[int, StateDict]:
        """For each subdomain the kind and the state of its model, and its radius."""
        return {
            number: {
                "name": curvature_name(curvature),
                "curvature": curvature.state_dict(),
                "radius": radius,
            }
            for number, (curvature, radius) in self.models.items()
        }

    def load_state_dict(self, state: dict[int, StateDict], former: str, device: torch.device) -> None:
        """Take over a saved state.

        Args:
            state: As `state_dict` returned it, on any device.
            former: Kind of the models in states of earlier versions, which do not say it.
            device: Where the vectors are that the models will be given.
        """
        self.models = {}
        for number, saved in state.items():
            curvature = make_curvature(saved.get("name") or former)
            curvature.load_state_dict(placed(saved["curvature"], device))
            self.models[number] = curvature, saved["radius"]
