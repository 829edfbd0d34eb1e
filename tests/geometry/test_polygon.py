"""Polygons: inside, distance, triangulation, messages."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from draws import rng
from probes import around
from sample_domains import L_VERTICES, SHAPES, SPIKY
from sapts_pinn.geometry import Polygon
from sapts_pinn.geometry.polygon import _triangulate


@st.composite
def star_polygons(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Star-shaped about a random centre, in general position, in a random orientation."""
    n = draw(st.integers(3, 12))
    gaps = draw(st.lists(st.floats(0.2, 1), min_size=n, max_size=n))
    radii = draw(st.lists(st.floats(0.1, 3), min_size=n, max_size=n))
    cx, cy = draw(st.floats(-5, 5)), draw(st.floats(-5, 5))
    angle, total, vertices = 0.0, sum(gaps), []
    for gap, r in zip(gaps, radii, strict=True):
        angle += 2 * math.pi * gap / total
        vertices.append((cx + r * math.cos(angle), cy + r * math.sin(angle)))
    return vertices[::-1] if draw(st.booleans()) else vertices


def crossing_number(vertices: Tensor, x: Tensor) -> Tensor:
    """Inside by the even-odd rule, an independent definition."""
    a, b = vertices, vertices.roll(-1, 0)
    above = (a[:, 1] > x[:, 1:]) != (b[:, 1] > x[:, 1:])
    at = a[:, 0] + (x[:, 1:] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return (above & (x[:, :1] < at)).sum(1) % 2 == 1


@settings(max_examples=60)
@given(star_polygons())
def test_star_shaped_polygons(vertices: list[tuple[float, float]]) -> None:
    polygon = Polygon(vertices)
    x = around(polygon, 400)
    assert torch.equal(polygon.inside(x), crossing_number(polygon.vertices, x))
    points = polygon.interior(400, rng(), sampler="sobol")
    assert (polygon.distance(points) <= 1e-13).all()
    # the mean of low-discrepancy points is the centroid
    a, b = polygon.vertices, polygon.vertices.roll(-1, 0)
    cross = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    centroid = ((a + b) * cross[:, None]).sum(0) / (3 * cross.sum())
    assert torch.allclose(points.mean(0), centroid, atol=0.1)
    edges = polygon.boundary(100, rng())
    assert polygon.distance(edges.points).abs().max() < 1e-12
    assert polygon.inside(edges.points - 1e-9 * edges.normals).all()


@settings(max_examples=30)
@given(star_polygons(), st.integers(2, 4))
def test_vertices_along_straight_edges_change_nothing(vertices: list[tuple[float, float]], k: int) -> None:
    coarse = Polygon(vertices)
    a, b = coarse.vertices, coarse.vertices.roll(-1, 0)
    fine = Polygon(torch.cat([(a + (b - a) * j / k)[:, None] for j in range(k)], 1).reshape(-1, 2))
    x = around(coarse, 200)
    assert len(fine.faces) == k * len(vertices) and fine.volume == pytest.approx(coarse.volume)
    assert torch.allclose(fine.distance(x), coarse.distance(x), atol=1e-12)
    assert (fine.distance(fine.interior(200, rng())) <= 1e-12).all()


def test_float32_points_and_many_edges() -> None:
    assert SHAPES[10].distance(torch.zeros(3, 3)).dtype == torch.float32
    assert Polygon(SPIKY).distance(torch.zeros(3, 2)).dtype == torch.float32
    angle = torch.linspace(0, 2 * math.pi, 301, dtype=torch.float64)[:-1]
    r = 1 + 0.3 * torch.sin(20 * angle)
    gear = Polygon(torch.stack([r * angle.cos(), r * angle.sin()], 1))
    assert (gear.distance(gear.interior(20_000, rng())) <= 1e-13).all()


def test_boundary_is_uniform_along_a_polygon() -> None:
    polygon = Polygon([(0, 0), (3, 0), (3, 1), (1, 1), (1, 2), (0, 2)])
    b = polygon.boundary(5000, rng())
    # Arc length: start of the edge plus distance from it. Any mistake in edges or weights shows.
    lengths = torch.linalg.vector_norm(polygon.vertices.roll(-1, 0) - polygon.vertices, dim=1)
    start = torch.cat([torch.zeros(1, dtype=torch.float64), lengths.cumsum(0)])
    along = torch.linalg.vector_norm(b.points - polygon.vertices[b.index], dim=1)
    arc = (start[b.index] + along) / lengths.sum()
    assert stats.kstest(arc.numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Polygon([(0, 0), (1, 1)]), "at least 3"),
        (lambda: Polygon([(0, 0), (1, 1), (2, 2)]), "no area"),
        (lambda: Polygon([(0, 0), (1, 1), (1, 0), (0, 1), (-3, 0.4)]), "meets itself: edge 0.* edge 2"),
        (lambda: Polygon([(0, 0), (2, 0), (2, 2), (1, 0), (0, 2)]), "meets itself"),
        (lambda: Polygon([(0, 0), (1, 0), (1, 0), (0, 1)]), "vertices 1 and 2 .* coincide"),
        (lambda: Polygon([(0, 0), (2, 0), (1, 0), (0, 1)]), "meets itself"),
        (lambda: Polygon([(0, 0), (1, 0), (math.inf, 1)]), "finite"),
    ],
)
def test_messages(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("vertices", [L_VERTICES, SPIKY, SPIKY[::-1]])
def test_the_triangles_of_a_polygon_cover_its_area_once(vertices) -> None:  # type: ignore[no-untyped-def]
    v = np.array(vertices, dtype=float)
    x, y = v.T
    area = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2  # the shoelace formula
    found = v[_triangulate(v)]
    each = np.linalg.det(found[:, 1:] - found[:, :1]) / 2
    assert (each > 0).all() and each.sum() == pytest.approx(abs(area)) and len(found) <= len(v) - 2
