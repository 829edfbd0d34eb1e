"""References put into the equations and conditions of their problems, derivatives by central differences."""

import numpy as np
import torch

from sapts_pinn.problems.fields import Field

WEIGHTS = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}  # of order four


def fields_of(problem, points, h=1e-3):
    """Unknowns at points [N, dim] from the reference; h is a step, or one for each coordinate."""
    names = problem.domain.names
    steps = np.broadcast_to(h, len(names))

    def value(unknown, at):
        columns = {name: at[:, i].numpy() for i, name in enumerate(names)}
        return torch.as_tensor(problem.reference.evaluate(columns)[unknown])

    def derivative(unknown, at, index):
        if not index:
            return value(unknown, at)
        first, shift = index[0], torch.zeros(len(names), dtype=torch.float64)
        shift[first] = float(steps[first])
        moved = (w * derivative(unknown, at + k * shift, index[1:]) for k, w in WEIGHTS.items())
        return sum(moved) / float(steps[first])

    return {
        u: Field(u, names, lambda index, u=u: derivative(u, points, tuple(index)))
        for u in problem.unknown_names
    }


def inner_points(problem, count, margin=0.0):
    """Points [N, dim] of the domain, a margin away from its boundary, relative to its extent."""
    points = problem.domain.interior(4 * count, torch.Generator().manual_seed(1), "sobol")
    low, high = problem.domain.bounds
    inside = ((points > low + margin * (high - low)) & (points < high - margin * (high - low))).all(1)
    deep = problem.domain.distance(points) < -margin * float((high - low).min())
    return points[inside & deep][:count]


def residuals(problem, points, h=1e-3):
    """Largest residual of every equation."""
    rows = problem.evaluate(fields_of(problem, points, h), points, {})
    return [float(row.abs().max()) for row in rows]


def misfit(problem, number, count=200):
    """Largest residual of a condition of values, at places of its own."""
    condition = problem.conditions[number]
    sites = condition.sites(problem.domain, count, torch.Generator().manual_seed(2), "sobol")
    fields = fields_of(problem, sites.points)
    rows = condition.residual(fields, sites, problem.domain, {})
    return max(float(row.abs().max()) for row in rows)
