"""Patches: points drawn from several, in proportion to their measure, and their products."""

import pytest
import torch
from torch import Generator

from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.geometry.patches import draw_points, kept, product_patches

SHORT, LONG = Interval(0, 1).patches()[0], Interval(1, 4).patches()[0]


def draw(patches, n, sampler="uniform"):
    return draw_points(patches, n, Generator().manual_seed(1), sampler, "points", "a domain")


def test_points_are_shared_by_measure() -> None:
    points, normals, which = draw([SHORT, LONG], 100)
    assert points.shape == normals.shape == (100, 1) and not normals.any()
    assert (which == 0).sum() == 25 and ((points[:, 0] <= 1) == (which == 0)).all()


def test_dropped_points_are_drawn_again() -> None:
    upper = kept(LONG, lambda x: x[:, 0] > 3.5)
    assert (draw([upper], 200)[0] > 3.5).all() and len(draw([upper], 200)[0]) == 200
    with pytest.raises(InputError, match=r"found only 0 of 2 points in .* that part of a domain is empty"):
        draw([kept(LONG, lambda x: x[:, 0] > 5)], 2)
    with pytest.raises(InputError, match="cannot draw 0 points; ask for at least 1"):
        draw([LONG], 0)


def test_products_multiply_measures_and_join_coordinates() -> None:
    patches = product_patches([[SHORT, LONG], Interval(0, 2).face_patches()])
    assert [p.measure for p in patches] == [1, 1, 3, 3]
    assert [p.tag for p in patches] == ["x=0", "x=2"] * 2 and patches[0].lengths == (1.0,)
    points, normals, keep = patches[3].draw(torch.tensor([[0.5]], dtype=torch.float64))
    assert points.tolist() == [[2.5, 2.0]] and normals.tolist() == [[0.0, 1.0]] and keep.all()
