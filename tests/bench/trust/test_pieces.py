"""Random functions of which the data of random problems are sums."""

import numpy as np
import pytest
import torch

from sapts_pinn.bench.trust.pieces import INSIDE, PIECES, random_piece, symmetrised

POINTS = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("way", range(len(INSIDE)))
def test_every_way_of_coding_a_window_is_zero_outside(way):
    outside = torch.tensor([-3.0, -1.5, 1.5, 3.0], dtype=torch.float64)
    inside = torch.tensor([-0.5, 0.0, 0.5], dtype=torch.float64)
    assert INSIDE[way](outside).abs().max() < 1e-12 and (INSIDE[way](inside) > 0.2).all()


@pytest.mark.parametrize("name", PIECES)
def test_pieces_are_of_size_one_and_vary_along_every_coordinate(name):
    piece = PIECES[name](np.random.default_rng(3), 2)
    values = piece(POINTS)
    assert values.shape == (4000,) and torch.isfinite(values).all() and values.abs().max() < 20
    if name in ("wave", "table"):
        for axis in range(2):
            moved = POINTS.clone()
            moved[:, axis] = 1 - moved[:, axis]
            assert (piece(moved) - values).abs().max() > 1e-3


@pytest.mark.parametrize("parity", [(1, 1), (1, -1), (-1, None), (None, None)])
def test_a_sum_with_mirror_images_has_the_parity(parity):
    _, plain = random_piece(np.random.default_rng(5), 2)
    total = symmetrised(plain, parity)
    for axis, sign in enumerate(parity):
        moved = POINTS.clone()
        moved[:, axis] = 1 - moved[:, axis]
        if sign is not None:
            torch.testing.assert_close(total(moved), sign * total(POINTS), rtol=1e-9, atol=1e-9)
    if parity == (None, None):
        assert torch.equal(total(POINTS), plain(POINTS))


def test_a_seed_draws_the_same_piece():
    first, second = (random_piece(np.random.default_rng(7), 2) for _ in range(2))
    assert first[0] == second[0] and torch.equal(first[1](POINTS), second[1](POINTS))
