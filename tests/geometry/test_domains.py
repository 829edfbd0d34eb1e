"""Domains: distance, inside, normals, faces, volumes, set operations, messages."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from draws import rng
from probes import around, gradient
from sample_domains import ALL, SETS, SHAPES
from sapts_pinn.geometry import SAMPLERS, Ball, Box, Domain, Interval, Polygon, Product, Time, Union


@pytest.mark.parametrize("domain", ALL, ids=repr)
def test_inside_is_distance_not_positive_and_within_bounds(domain: Domain) -> None:
    x = around(domain, 2000)
    inside = domain.inside(x)
    assert inside.dtype == torch.bool and inside.any() and not inside.all()
    assert torch.equal(inside, domain.distance(x) <= 0)
    lower, upper = domain.bounds
    assert domain.bounds.shape == (2, domain.dim) and domain.bounds.dtype == torch.float64
    assert ((x[inside] >= lower) & (x[inside] <= upper)).all()


@pytest.mark.parametrize("domain", ALL, ids=repr)
def test_distance_bounds_the_distance_to_boundary_points(domain: Domain) -> None:
    boundary = domain.boundary(4000, rng(), on=domain.faces).points
    x = around(domain, 300)
    true, d = torch.cdist(x, boundary).amin(1), domain.distance(x).abs()
    assert (d <= true + 1e-9).all()
    if domain in SHAPES and domain.dim <= 2:  # exact: a dense boundary sample comes close
        assert (true - d).max() < 0.15


@pytest.mark.parametrize("domain", ALL, ids=repr)
def test_boundary_points_of_every_face(domain: Domain) -> None:
    for tag in domain.faces:
        if domain is SETS[4] and tag in ("x=1", "x=0.5", "x=2"):
            continue  # buried, see the test of buried faces
        b = domain.boundary(50, rng(), on=tag)
        assert b.points.shape == b.normals.shape == (50, domain.dim) and b.points.dtype == torch.float64
        assert b.tags == (tag,) and b.index.tolist() == [0] * 50
        assert domain.distance(b.points).abs().max() < 1e-12
        assert torch.allclose(torch.linalg.vector_norm(b.normals, dim=1), torch.ones(50, dtype=torch.float64))
        h = 1e-6
        assert domain.inside(b.points - h * b.normals).all()
        assert not domain.inside(b.points + h * b.normals).any()


@pytest.mark.parametrize("domain", ALL, ids=repr)
def test_normals_are_the_gradient_of_the_distance(domain: Domain) -> None:
    b = domain.boundary(500, rng(), on=domain.faces)
    # just outside, where a product's or an intersection's distance has no tie between its parts
    g = gradient(domain, b.points + 1e-9 * b.normals)
    assert torch.allclose(g, b.normals, atol=1e-6)
    if domain in SHAPES:  # and on the boundary itself, corners aside
        assert torch.allclose(gradient(domain, b.points), b.normals, atol=1e-8)


def test_products_flatten_and_time_is_left_out_of_the_boundary() -> None:
    domain = Box((0, 0), (1, 2)) * Time(0, 1)
    assert domain.names == ("x", "y", "t") and domain.dim == 3
    assert [type(f) for f in domain.factors()] == [Interval, Interval, Time]
    assert domain.faces == ("x=0", "x=1", "y=0", "y=2", "t=0", "t=1")
    assert domain.face_tags() == domain.spatial_faces == ("x=0", "x=1", "y=0", "y=2")
    assert domain.face_tags("y") == ("y=0", "y=2")
    assert domain.face_tags(["t=0", "x", "x=0"]) == ("t=0", "x=0", "x=1")
    b = domain.boundary(600, rng())
    assert b.index.bincount().tolist() == [200, 200, 100, 100]
    cylinder = Time(0, 1) * Ball((0, 0), 1, names=("p", "q"))
    assert cylinder.face_tags() == ("sphere",)
    with pytest.raises(ValueError, match="no face of this domain is flat and perpendicular to p"):
        cylinder.face_tags("p")
    assert Box([0] * 4, [1] * 4).names == ("x1", "x2", "x3", "x4")


def test_tags_of_set_operations() -> None:
    ell = SETS[0]
    assert ell.faces == ("x=-1", "x=1", "y=-1", "y=1", "x=0", "y=0")
    assert ell.face_tags("x") == ("x=-1", "x=1", "x=0")
    assert (ell * Time(0, 1)).face_tags("y") == ("y=-1", "y=1", "y=0")
    drum = Box((0, 0), (1, 1)) * Time(0, 1) - Ball((0.5, 0.5), 0.2) * Time(0, 1)
    assert drum.face_tags() == ("x=0", "x=1", "y=0", "y=1", "sphere") and "t=0" in drum.faces


def test_a_coordinate_means_flat_faces() -> None:
    holed = Box((-1, -1), (1, 1)) - Ball((0, 0), 0.5, tag="hole")
    assert holed.face_tags("x") == ("x=-1", "x=1") and holed.face_tags(["y", "hole"]) == (
        "y=-1",
        "y=1",
        "hole",
    )
    house = Polygon([(0, 0), (2, 0), (2, 1), (1, 2), (0, 1)])
    assert house.face_tags("x") == ("edge1", "edge4") and house.face_tags("y") == ("edge0",)
    assert house.face_tags("edge") == house.faces
    assert Ball((0,), 1).face_tags("x") == ("sphere",)
    for domain in (Ball((0, 0), 1) * Time(0, 1), Ball((0, 0), 2) - Ball((0, 0), 1, tag="hole")):
        with pytest.raises(
            ValueError, match=r"no face of this domain is flat and perpendicular to x.* sphere"
        ):
            domain.face_tags("x")


def test_a_tag_means_all_faces_of_its_shape() -> None:
    assert Interval(0, 1, tag="ends").face_tags("ends") == ("x=0", "x=1")
    assert (Box((0, 0), (1, 1), tag="walls") * Time(0, 1)).face_tags("walls") == ("x=0", "x=1", "y=0", "y=1")
    frame = Box((0, 0), (3, 3), tag="outer") - Box((1, 1), (2, 2), tag="hole")
    assert frame.face_tags("outer") == ("x=0", "x=3", "y=0", "y=3")
    assert frame.face_tags("hole") == ("x=1", "x=2", "y=1", "y=2")
    assert frame.face_tags("x") == ("x=0", "x=3", "x=1", "x=2")
    whole = Union(Ball((0, 0), 1, tag="a"), Ball((3, 0), 1, tag="b"), tag="all")
    assert whole.face_tags("all") == ("a", "b")
    with pytest.raises(ValueError, match="'t' is the tag of a face and the name of a coordinate"):
        Box((0, 0), (1, 1), tag="t") * Time(0, 1)
    with pytest.raises(ValueError, match="face tag"):
        Box((0, 0), (1, 1), tag="x")


def test_faces_of_the_same_name_are_told_apart_by_tags() -> None:
    """The notch of an L shares x=1 and y=1 with the square it is cut out of."""
    ell = Box((-1, -1), (1, 1), tag="outer") - Box((0, 0), (1, 1), tag="notch")
    assert ell.face_tags("x=1") == ("x=1 (outer)", "x=1 (notch)")
    for tag, length in (("outer", 6), ("notch", 2)):
        b = ell.boundary(400, rng(), on=tag, sampler="sobol")
        on_notch = (b.points >= 0).all(1) & ((b.points == 0).any(1))
        assert on_notch.all() if tag == "notch" else not (on_notch & (b.points < 0.99).all(1)).any()
        kept = ell.boundary(4000, rng(), on=["outer", "notch"], sampler="sobol")
        share = torch.tensor([name in ell.face_tags(tag) for name in kept.tags])[kept.index].double().mean()
        assert float(share) == pytest.approx(length / 8, abs=0.01)
    plain = Box((-1, -1), (1, 1)) - Box((0, 0), (1, 1), tag="notch")
    assert plain.face_tags("x=1") == ("x=1 (rest)", "x=1 (notch)")
    assert set(plain.face_tags("notch")) == {"x=0", "y=0", "x=1 (notch)", "y=1 (notch)"}


def test_boundary_of_set_operations_is_measured_right() -> None:
    # L-shape: faces of length 2, 1, 2, 1, 1, 1, of which the removed square's outer edges are none
    b = SETS[0].boundary(4000, rng())
    share = b.index.bincount().double() / 500
    assert torch.allclose(share, torch.tensor([2, 1, 2, 1, 1, 1], dtype=torch.float64), atol=0.1)
    inner = b.index == b.tags.index("x=0")
    assert torch.allclose(b.normals[inner], torch.tensor([1.0, 0.0], dtype=torch.float64))
    # the hole's normals point into the hole
    b = SETS[1].boundary(300, rng(), on="inner")
    centre = torch.tensor([0.5, 0.0], dtype=torch.float64)
    assert torch.allclose(b.normals, -(b.points - centre), atol=1e-12)
    # two overlapping boxes and a touching one: no seams, and shared faces are counted once
    b = SETS[4].boundary(8000, rng(), sampler="sobol")
    assert not (
        (b.points[:, 0] > 0) & (b.points[:, 0] < 3) & (b.points[:, 1] > 0) & (b.points[:, 1] < 1)
    ).any()
    bottom = b.points[b.points[:, 1] == 0, 0]
    assert len(bottom) == pytest.approx(3000, abs=60)
    assert torch.histc(bottom, 6, 0, 3) == pytest.approx(500, abs=40)


def test_buried_faces_and_empty_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="found only 0 of 10 boundary points on x=2 in"):
        SETS[4].boundary(10, rng(), on="x=2")
    with pytest.raises(ValueError, match="found only 0 of 10 points of the domain"):
        (Ball((0, 0), 1) - Ball((0, 0), 2)).interior(10, rng())
    with pytest.raises(ValueError, match=r"intersection of .* is empty"):
        Ball((0, 0), 1) & Ball((5, 0), 2)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_inside_iff_distance_at_any_point(coordinates: list[float]) -> None:
    x = torch.tensor([coordinates], dtype=torch.float64)
    for domain in (Ball((0, 0, 0), 1), SHAPES[10], SHAPES[11], SETS[5]):
        assert bool(domain.inside(x)) == (float(domain.distance(x)) <= 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Interval(0, 1) * Interval(0, 2), "coordinate 'x'"),
        (lambda: Ball((0, 0), 1) * Ball((0,), 1, names=("z",)), "face 'sphere'"),
        (lambda: Interval(0, 1) | Time(0, 1), r"different coordinates, \(x\) and \(t\)"),
        (lambda: Box((0, 0), (1, 1)) - Box((0, 0), (1, 1), names=("y", "x")), "same order"),
        (lambda: Interval(-1, 1).boundary(4, rng(), on="x=0"), "no face 'x=0'.* are x=-1, x=1; a coordinate"),
        (lambda: Interval(-1, 1).boundary(4, rng(), on=["x=1", "z"]), "no face 'z'"),
        (lambda: Time(0, 1).boundary(4, rng()), "no faces to sample"),
        (lambda: Interval(0, 1).interior(0, rng()), "cannot draw 0 points of the domain"),
        (lambda: Interval(0, 1).interior(3, rng(), sampler="sobl"), f"choose one of {', '.join(SAMPLERS)}"),
        (lambda: Interval(0, 1).distance(torch.zeros(3)), r"shape \[N, 1\] .* got \[3\]"),
        (lambda: Product(Interval(0, 1), Time(0, 1)).inside(torch.zeros(3, 1)), r"shape \[N, 2\]"),
    ],
)
def test_messages(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()
