"""Regions of a mesh: groups of cells, and the facets between them."""

import meshio
import numpy as np
import pytest
import torch
from torch import Generator

from elements import part
from sapts_pinn.geometry import Mesh

NAMES = ("steel", "copper", "brass")


def plate():
    points, cells, label = part()
    groups = {name: [np.flatnonzero(label == i)] for i, name in enumerate(NAMES)}
    return Mesh(meshio.Mesh(points, [("triangle", cells)], cell_sets=groups)), (points, cells, label)


def test_a_point_has_the_region_of_its_cell():
    mesh, (points, cells, label) = plate()
    weights = torch.distributions.Dirichlet(torch.ones(3, dtype=torch.float64)).sample((len(cells),)).numpy()
    at = torch.from_numpy(np.einsum("sk,skd->sd", weights, points[cells]))
    found = [mesh.regions.labels[i] for i in mesh.regions.number(at).tolist()]
    assert found == [NAMES[i] for i in label]


def test_contacts_lie_between_their_regions_and_nowhere_else():
    mesh, _ = plate()
    regions = mesh.regions
    assert {patch.tag for patch in regions.contacts()} == {"copper | steel", "steel | brass"}
    points, normals = regions.touching(400, Generator().manual_seed(1), "uniform", [])
    line = (points[:, 0] - 1).abs() < 1e-12
    radius = (points - torch.tensor([0.5, 0.5], dtype=torch.float64)).norm(dim=1)
    assert (line | ((radius - 0.25).abs() < 2e-3)).all() and line.any() and not line.all()
    before, behind = regions.number(points - 1e-9 * normals), regions.number(points + 1e-9 * normals)
    assert (before < behind).all()
    torch.testing.assert_close(
        normals[line], torch.tensor([[-1.0, 0.0]], dtype=torch.float64).expand(int(line.sum()), 2)
    )
    length = sum(patch.measure for patch in regions.contacts())
    assert length == pytest.approx(1 + 2 * np.pi * 0.25, rel=1e-2)


def test_a_mesh_on_a_line_touches_at_points():
    x = np.linspace(0, 1, 11)
    cells = np.stack([np.arange(10), np.arange(1, 11)], 1)
    mesh = meshio.Mesh(
        x[:, None], [("line", cells)], cell_sets={"a": [np.arange(3)], "b": [np.arange(3, 10)]}
    )
    regions = Mesh(mesh).regions
    points, normals = regions.touching(5, Generator().manual_seed(1), "uniform", [])
    torch.testing.assert_close(points, torch.full((5, 1), 0.3, dtype=torch.float64))
    assert (regions.number(points - 1e-9 * normals) < regions.number(points + 1e-9 * normals)).all()


def test_cells_in_no_group_are_the_rest_and_a_lone_group_divides_nothing():
    points, cells, label = part()
    some = Mesh(meshio.Mesh(points, [("triangle", cells)], cell_sets={"brass": [np.flatnonzero(label == 2)]}))
    assert set(some.regions.labels) == {"brass", "rest"}
    whole = Mesh(meshio.Mesh(points, [("triangle", cells)], cell_sets={"all": [np.arange(len(cells))]}))
    assert whole.regions is None and Mesh.from_arrays(points, cells).regions is None


def test_new_faces_keep_the_regions():
    mesh, _ = plate()
    assert mesh.retagged(left=lambda x, y: x < 1e-9).regions.labels == mesh.regions.labels
