"""Our domains as geometries of DeepXDE: whatever can be sampled and has a distance."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import torch
from torch import Generator

from ..errors import InputError
from ..geometry import Domain, Interval
from .untyped import Array

SAMPLERS = {"pseudo": "uniform", "LHS": "lhs", "Halton": "halton", "Hammersley": "halton", "Sobol": "sobol"}
ON_BOUNDARY = 1e-6  # relative to the size of the domain; float32 points lie that far off


class DomainGeometry(dde.geometry.Geometry):  # type: ignore[misc]
    """A domain of `sapts_pinn.geometry` for `deepxde.data.PDE` and its boundary conditions.

    Time is a coordinate like the others, and its ends are boundaries: name the faces in `on_boundary`, or
    take a spatial domain in `deepxde.geometry.GeometryXTime`.  Points come from NumPy's random state, as all
    of DeepXDE's do.

    Args:
        domain: The domain.
    """

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        low, high = domain.bounds.numpy()
        self._span = float((high - low).max())
        super().__init__(domain.dim, (low, high), float(np.linalg.norm(high - low)))

    def inside(self, x: Array) -> Array:
        """Which points [n, dim] lie in the domain or on its boundary, [n]."""
        return self._distance(x) <= ON_BOUNDARY * self._span

    def on_boundary(self, x: Array) -> Array:
        """Which points [n, dim] lie on the boundary, [n]."""
        near: Array = np.abs(self._distance(x)) <= ON_BOUNDARY * self._span
        return near

    def mindist2boundary(self, x: Array) -> Array:
        """Distance to the boundary, [n, 1]."""
        return np.abs(self._distance(x))[:, None]

    def boundary_normal(self, x: Array) -> Array:
        """Outward unit normals at points [n, dim] of the boundary: the gradient of the signed distance."""
        points = torch.as_tensor(np.asarray(x), dtype=torch.float64).requires_grad_()
        with torch.enable_grad():
            (normals,) = torch.autograd.grad(self.domain.distance(points).sum(), points)
        length = normals.norm(dim=1, keepdim=True).clamp_min(1e-300)
        return self._array(normals / length)

    def random_points(self, n: int, random: str = "pseudo") -> Array:
        """Points of the interior, [n, dim]."""
        return self._array(self.domain.interior(n, own_generator(), _sampler(random)))

    def uniform_points(self, n: int, boundary: bool = True) -> Array:
        """About n points on a grid."""
        return self._array(self.domain.interior(n, own_generator(), "grid"))

    def random_boundary_points(self, n: int, random: str = "pseudo") -> Array:
        """Points of the boundary, [n, dim]."""
        return self._array(self.domain.boundary(n, own_generator(), sampler=_sampler(random)).points)

    def uniform_boundary_points(self, n: int) -> Array:
        """About n points of the boundary on grids."""
        return self._array(self.domain.boundary(n, own_generator(), sampler="grid").points)

    def periodic_point(self, x: Array, component: int) -> Array:
        """The points at the other end of a coordinate, [n, dim].

        Raises:
            InputError: The coordinate is not that of an interval.
        """
        name = self.domain.names[component]
        if not any(isinstance(f, Interval) and f.names == (name,) for f in self.domain.factors()):
            raise InputError(f"{self.domain!r} is not periodic in {name!r}, which is not that of an interval")
        low, high = self.domain.bounds[:, component].tolist()
        other = np.array(x, copy=True)
        other[:, component] = np.where(np.abs(x[:, component] - low) < 0.5 * (high - low), high, low)
        return other

    def _distance(self, x: Array) -> Array:
        found: Array = self.domain.distance(torch.as_tensor(np.asarray(x), dtype=torch.float64)).numpy()
        return found

    @staticmethod
    def _array(points: torch.Tensor) -> Array:
        return points.numpy().astype(dde.config.real(np))


def own_generator() -> Generator:
    """Seeded by the random state that `dde.config.set_random_seed` sets."""
    return Generator().manual_seed(int(np.random.randint(2**31)))


def _sampler(name: str) -> str:
    if name not in SAMPLERS:
        raise InputError(f"unknown distribution {name!r}; choose one of {', '.join(SAMPLERS)}")
    return SAMPLERS[name]
