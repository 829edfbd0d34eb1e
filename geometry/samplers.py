"""Point sets in the unit cube: random, on a grid, and of low discrepancy.

Every domain is the image of unit cubes (see `Patch` in `domains`), so a sampler only has to fill a cube:

* ``"uniform"``: independent points;
* ``"grid"``: cell-centred, exactly n points, spacing as equal as n allows along all axes;
* ``"lhs"``: Latin hypercube; ``"sobol"``, ``"halton"``: scrambled low-discrepancy sequences,
  new at every draw.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Generator, Tensor

from ..errors import InputError

SAMPLERS = ("uniform", "grid", "lhs", "sobol", "halton")


def unit_points(sampler: str, n: int, lengths: tuple[float, ...], generator: Generator) -> Tensor:
    """Fill the unit cube with n points.

    Args:
        sampler: one of `SAMPLERS`.
        n: number of points.
        lengths: physical extent along each of the d axes; only the grid uses it, to choose its aspect ratio.
        generator: source of all randomness; its state advances (except for the grid, which has none).

    Returns:
        Points [n, d], float64, on the generator's device.

    Raises:
        InputError: the sampler is not known.
    """
    if sampler not in SAMPLERS:
        raise InputError(f"unknown sampler {sampler!r}; choose one of {', '.join(SAMPLERS)}")
    d, device = len(lengths), generator.device
    if sampler == "uniform" or d == 0:
        return torch.rand(n, d, generator=generator, dtype=torch.float64, device=device)
    if sampler == "grid":
        return _grid(n, lengths).to(device)
    seed = int(torch.randint(2**31 - 1, (), generator=generator, device=device))
    if sampler == "sobol":
        # torch's engine gives the same scrambled sequence family as SciPy's, without 0.7 s to import
        # scipy.stats
        sobol = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed)
        points: Tensor = sobol.draw(n, dtype=torch.float64)
        points[:1] = points[:1].float()  # as PyTorch rounds it unless its default precision is another
        return points.to(device)
    from scipy.stats import qmc  # slow to import, and not needed for the other samplers

    engine = qmc.LatinHypercube(d, rng=seed) if sampler == "lhs" else qmc.Halton(d, rng=seed)
    return torch.from_numpy(engine.random(n)).to(device)


def _grid(n: int, lengths: tuple[float, ...]) -> Tensor:
    """Cut the cube into layers along the first axis, each layer likewise along the next, down to n cells.

    A layer holding more cells is thicker in proportion, so all cells have the same volume; when n is a
    product of the right counts the result is the ordinary tensor grid.
    """
    if len(lengths) == 1 or n == 1:
        first = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        return torch.cat([first[:, None], torch.full((n, len(lengths) - 1), 0.5, dtype=torch.float64)], 1)
    spacing = (math.prod(lengths) / n) ** (1 / len(lengths))
    layers = min(n, max(1, round(lengths[0] / spacing)))
    edges = [(i * n) // layers for i in range(layers + 1)]
    sizes = [b - a for a, b in itertools.pairwise(edges)]
    below = {size: _grid(size, lengths[1:]) for size in set(sizes)}  # at most two different sizes
    rows = []
    for start, size in zip(edges, sizes, strict=False):
        centre = torch.full((size, 1), (start + size / 2) / n, dtype=torch.float64)
        rows.append(torch.cat([centre, below[size]], 1))
    return torch.cat(rows)
