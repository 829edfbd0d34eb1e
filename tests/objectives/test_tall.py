"""Linear least squares with a tall matrix, against dense solutions."""

import pytest
import torch

from draws import randn
from sapts_pinn.errors import InputError
from sapts_pinn.objectives.tall import Spectrum, triangle


def test_the_triangle_of_blocks_is_that_of_the_whole() -> None:
    a = randn(70, 9, seed=1)
    r = triangle(a.split(20))
    assert torch.allclose(r.T @ r, a.T @ a) and torch.equal(r, r.triu())
    with pytest.raises(InputError, match=r"^there are no rows to solve for; give at least one block$"):
        triangle([])


def test_full_rank_is_the_least_squares_solution() -> None:
    a, b = randn(50, 12, seed=2) * torch.logspace(0, 5, 12, dtype=torch.float64), randn(50, 2, seed=3)
    found = Spectrum.of(triangle([torch.cat([a, b], 1)[:30], torch.cat([a, b], 1)[30:]]), 12)
    expected = torch.linalg.lstsq(a, b).solution
    assert torch.allclose(found.coefficients(12), expected, rtol=1e-9)
    left = found.left(a, b, [3, 12])
    assert torch.allclose(left[1], (a @ expected - b).norm(dim=0)) and bool((left[0] > left[1]).all())
    assert torch.allclose(left[0], (a @ found.coefficients(3) - b).norm(dim=0))


def test_a_lower_rank_is_the_shortest_solution_in_scaled_columns() -> None:
    a = randn(40, 5, seed=4)
    a = torch.cat([a, a @ randn(5, 4, seed=5)], 1)  # nine columns of rank five
    b = randn(40, 1, seed=6)
    found = Spectrum.of(triangle([torch.cat([a, b], 1)]), 9)
    assert found.rank(1e-10) == 5
    size = a.norm(dim=0)
    expected = torch.linalg.lstsq(a / size, b, rcond=1e-10, driver="gelsd").solution / size[:, None]
    assert torch.allclose(found.coefficients(5), expected, atol=1e-12)
    both = found.coefficients(torch.tensor([5]))
    assert torch.equal(both, found.coefficients(5))


def test_a_column_of_zeros_gets_no_share() -> None:
    a, b = randn(20, 3, seed=7), randn(20, 1, seed=8)
    a[:, 1] = 0
    found = Spectrum.of(triangle([torch.cat([a, b], 1)]), 3)
    c = found.coefficients(found.rank(1e-12))
    assert float(c[1]) == 0 and torch.allclose(c[[0, 2]], torch.linalg.lstsq(a[:, [0, 2]], b).solution)
