"""Reference cells of straight and curved elements: nodes and polynomials."""

import numpy as np
import pytest

from sapts_pinn.geometry.mesh.elements import EDGES, KNOWN, PYRAMIDS, SHORTENED, monomials, reference_nodes

ELEMENTS = [name for name in KNOWN if name not in SHORTENED and name not in PYRAMIDS]


@pytest.mark.parametrize("element", [*ELEMENTS, "line", "triangle", "quad", "tetra", "wedge", "hexahedron"])
def test_nodes_determine_the_polynomial_and_hold_every_affine_function(element):
    nodes = reference_nodes(element)
    values = monomials(element, nodes)
    assert values.shape == (len(nodes), len(nodes)) and np.linalg.cond(values) < 1e6
    assert not element[-1].isdigit() or len(nodes) == int("".join(c for c in element if c.isdigit()))
    coefficients = np.linalg.solve(values, np.column_stack([nodes, np.ones(len(nodes))]))
    at = np.random.default_rng(0).uniform(size=(7, nodes.shape[1]))
    assert np.allclose(monomials(element, at) @ coefficients, np.column_stack([at, np.ones(7)]), atol=1e-10)


@pytest.mark.parametrize("element", [name for name in ELEMENTS if name not in ("line4", "triangle10")])
def test_nodes_on_edges_follow_the_corners(element):
    kind = element.rstrip("0123456789")
    corners, nodes = reference_nodes(kind), reference_nodes(element)
    assert (nodes[: len(corners)] == corners).all()
    middles = np.array([corners[list(edge)].mean(0) for edge in EDGES[kind]])
    assert (nodes[len(corners) : len(corners) + len(middles)] == middles).all()
    assert np.array_equal(np.unique(nodes, axis=0).shape, nodes.shape), "no node twice"


def test_cubic_nodes_lie_at_thirds():
    assert reference_nodes("line4")[:, 0] == pytest.approx([0, 1, 1 / 3, 2 / 3])
    assert reference_nodes("triangle10")[3:5, 0] == pytest.approx([1 / 3, 2 / 3])
    assert reference_nodes("triangle10")[-1] == pytest.approx([1 / 3, 1 / 3])
