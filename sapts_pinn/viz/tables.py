"""Fields of a solution as plain numbers: columns of a .csv file, arrays of an .npz file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from ..runs.files import write_atomically
from .dataset import complete, sample, whole_grid
from .fields import ends, mesh_of
from .view import View


def write_csv(solution: View, path: Path) -> None:
    """Write a row for each point in the domain: its coordinates, then the fields; gradients by component."""
    sampled = sample(solution, {})
    complete(solution, sampled)
    columns = sampled.places
    for name, values in sampled.fields.items():
        if values.ndim == 1:
            columns[name] = values
        elif name.endswith("_gradient"):  # other vectors are of unknowns, which have columns already
            columns |= {f"{name}_{c}": values[:, i] for i, c in enumerate(sampled.names)}
    table = np.stack([*columns.values()], 1)

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(columns)
            np.savetxt(file, table, fmt="%.17g", delimiter=",")

    write_atomically(path, write)


def write_npz(solution: View, path: Path) -> None:
    """Write arrays by name.

    On a mesh they are coordinates and fields [P] at its points, and `cells`, the corners of its cells.
    Otherwise they are axes [n] of a regular grid and fields [n, ...] on it, NaN outside.  Vectors have one
    axis more, their components by the coordinates that vary; all other coordinates are numbers.
    """
    domain = solution.problem.domain
    mesh, arrays = mesh_of(domain), dict[str, Any]()
    if mesh is not None and mesh.cells is not None:
        sampled = sample(solution, {})
        complete(solution, sampled)
        fields, names, ndim = sampled.fields, sampled.names, 1
        places = {name: sampled.points[:, i] for i, name in enumerate(names)}
        arrays |= {**places, **sampled.fixed, "cells": sampled.cells}
    else:
        grid = whole_grid(solution)
        fields, names, ndim = grid.fields, grid.names, len(grid.names)
        axes = {n: np.linspace(*ends(domain, n), grid.inside.shape[i]) for i, n in enumerate(names)}
        arrays |= {**axes, **grid.fixed}
    arrays |= {
        n: values if values.ndim == ndim else values[..., : len(names)] for n, values in fields.items()
    }
    write_atomically(path, lambda temporary: np.savez_compressed(temporary, **arrays))
