"""Collocation points of a run: drawn at the start, redrawn where the residual is large.

The first set is uniform.  At every resampling half of the interior points are drawn afresh, uniformly, and
half by residual-based adaptive distribution, p ~ |r| / mean |r| + 1 (RAD, arXiv:2207.10289); the terms on the
boundary are drawn afresh.  Between resamplings the set is frozen, so that the objective is a fixed function;
and so are the weights of its terms, which `balancing.py` chooses.

Every set of points tests the symmetries that the problem's ansatz has built in.  Where one does not hold the
model is freed from it (`freeing.py`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import torch
from torch import Generator, Tensor
from torch.optim.optimizer import StateDict

from ..errors import InputError
from ..geometry import SAMPLERS, rad
from ..objectives.base import Counters, Objective
from ..parallel.communicator import Communicator
from ..pipeline.trainable_model import TrainableModel
from ..problems import Problem, Sites
from .balancing import balanced


@dataclass
class Collocation:
    """Draws and redraws the points of a problem.

    Attributes:
        problem: The problem.
        interior: Number of points of the equation.
        others: Number of points of every other term.
        sampler: How uniform points are drawn, one of `geometry.SAMPLERS`.
        adaptive: Share of the interior points drawn by RAD at a resampling.
        generator: All randomness.
        model: What the symmetries are taken from when they do not hold at the points.
        sites: The current points, by term.
    """

    problem: Problem
    interior: int
    others: int
    sampler: str
    adaptive: float
    generator: Generator
    model: TrainableModel | None = None
    sites: dict[str, Sites] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.interior < 1 or self.others < 1:
            raise InputError(f"points must be positive, not {self.interior} and {self.others}")
        if self.sampler not in SAMPLERS:
            raise InputError(f"unknown sampler {self.sampler!r}; choose one of {', '.join(SAMPLERS)}")
        if not 0 <= self.adaptive <= 1:
            raise InputError(f"adaptive must lie in [0, 1], not {self.adaptive}")

    def draw(self) -> dict[str, Sites]:
        """A first, uniform set; a further one keeps the weights."""
        weights = self.weights
        self.sites = self._drawn()
        if self._frees():
            self.sites = self._drawn()
        self._weigh(weights)
        return self.sites

    def _drawn(self) -> dict[str, Sites]:
        return {
            term.name: term.sites(self._count(term.name), self.generator, self.sampler)
            for term in self.problem.terms
        }

    def _frees(self) -> bool:
        """Free the model if the current points contradict a symmetry; whether they do.

        Raises:
            InputError: They do, and the model cannot be freed.
        """
        found = self.problem.contradiction(self.sites)
        if found is None or self.model is None:
            return False
        if not self.model.can_be_freed:
            raise InputError(
                f"{self.problem.name} is not symmetric in {found}, as points of the training show; a network "
                "in stages cannot go on without, give symmetry=False to the problem"
            )
        warnings.warn(
            f"{self.problem.name} is not symmetric in {found}, as points of the training show: the symmetry "
            "is dropped, and the training goes on from the network as it is",
            UserWarning,
            stacklevel=2,
        )
        self.model.free()
        self.problem = self.model.problem
        return True

    def redraw(self, model: TrainableModel) -> dict[str, Sites]:
        """A new set, denser where the model's residual is large."""
        self.draw()
        adaptive = round(self.adaptive * self.interior)
        if adaptive:
            # A grid would come out the same: uniform points are drawn by Sobol then.
            sampler = "sobol" if self.sampler == "grid" else self.sampler
            rest = self.interior - adaptive
            drawn = [self.problem.equation_term.sites(rest, self.generator, sampler).points] if rest else []
            chosen = [points[:rest] for points in drawn]
            dense = rad(
                self.problem.domain,
                adaptive,
                lambda points: _residuals(model, points).norm(dim=0),
                self.generator,
                candidates=4 * self.interior,
            )
            self.sites["equation"] = self.problem.at(torch.cat([*chosen, dense]))
            if self._frees():
                return self.redraw(model)
        return self.sites

    @property
    def weights(self) -> dict[str, float]:
        """Current weights of the adaptively balanced terms, by name."""
        return {name: s.weight for name, s in self.sites.items() if s.weight is not None}

    def balance(self, model: TrainableModel, ranks: Communicator) -> bool:
        """Weigh the terms anew on the current points; all ranks together.

        Returns:
            Whether a weight has changed, and with it the loss.
        """
        before = self.weights
        self._weigh(balanced(model, self.sites, ranks))
        return self.weights != before

    def _weigh(self, weights: Mapping[str, float]) -> None:
        for name, weight in weights.items():
            if name in self.sites:
                self.sites[name] = replace(self.sites[name], weight=weight)

    def objective(self, model: TrainableModel, counters: Counters, threads: int) -> Objective:
        """The loss of a model on the current points.

        Args:
            model: The model.
            counters: Where work is counted.
            threads: For the compiled kernel.
        """
        return model.objective(self.sites, counters, threads)

    def _count(self, name: str) -> int:
        return self.interior if name == "equation" else self.others

    def state_dict(self) -> StateDict:
        """Generator and points, loadable with weights_only=True."""
        return {
            "generator": self.generator.get_state(),
            "sites": {
                name: {f.name: getattr(s, f.name) for f in fields(s)} for name, s in self.sites.items()
            },
        }

    def load_state_dict(self, state: StateDict) -> None:
        """Take over saved points and generator."""
        self.problem = self.problem if self.model is None else self.model.problem
        self.generator.set_state(state["generator"])
        self.sites = {name: Sites(**site) for name, site in state["sites"].items()}


def _residuals(model: TrainableModel, points: Tensor) -> Tensor:
    """The equation's residuals [K, N] in their natural units."""
    found = model.residuals(points)
    return found / model.problem.terms[0].units_at(model.problem.at(points)).to(found)
