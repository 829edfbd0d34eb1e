"""Stages as subdomains of SAPTS: their block of the gradient, their inner products."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from draws import rng
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.parallel.communicator import Communicator
from sapts_runs import objective_of, sapts
from subdomains import COUNT, PROBLEMS, centred, check_slopes, cut, pipeline, relative
from thread_ranks import on_ranks


def test_stages_and_parts_have_to_be_as_many() -> None:
    objective = objective_of("stages")  # three
    with pytest.raises(ValueError, match=r"3 stages.*4|4 parts.*3"):
        sapts(objective, "stages", parts=4).step(objective)


# -- property 2: consistency ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PROBLEMS, "classifier"])
def test_stages_have_their_block_of_the_gradient(name: str) -> None:
    objective = pipeline(name)
    division = cut(objective, "stages")
    theta, g, f = centred(division)
    assert len(division.own) == COUNT and division.sharded
    for i, part in enumerate(division.own):
        here = part.evaluate(theta)
        assert relative(here.gradient(), g[part.indices]) < 1e-12
        full = here.full_gradient()
        assert torch.equal(full[part.indices], here.gradient())
        assert int((full != 0).sum()) <= len(part.indices)
        check_slopes(part, theta, i)
    assert here.value == pytest.approx(f, rel=1e-12), "the last stage has the loss itself"
    assert torch.equal(torch.cat([p.indices for p in division.own]), torch.arange(len(theta)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_products_of_sharded_vectors_are_those_of_whole_ones(dtype: torch.dtype) -> None:
    """On ranks of one stage each to the bit what one process has; with several stages up to rounding."""
    sizes = [5, 17, 3, 40]
    rows = torch.randn(3, sum(sizes), generator=rng(), dtype=torch.float64).to(dtype)
    others = torch.randn(2, sum(sizes), generator=rng(1), dtype=torch.float64).to(dtype)
    grams = []
    for size in (1, 2, 4):

        def work(ranks: Communicator) -> tuple[Tensor, float]:
            products = ShardedProducts(ranks)
            each = len(sizes) // ranks.size
            first = each * ranks.rank
            products.sizes = sizes[first : first + each]
            start = sum(sizes[:first])
            mine = slice(start, start + sum(products.sizes))
            return products.gram(rows[:, mine], others[:, mine]), products(rows[0, mine], others[1, mine])

        found = on_ranks(size, work)
        assert all(torch.equal(gram, found[0][0]) and dot == found[0][1] for gram, dot in found)
        grams.append(found[0])
    assert torch.equal(grams[0][0], grams[2][0]) and grams[0][1] == grams[2][1]
    exact = rows.double() @ others.double().T
    for gram, dot in grams:
        assert gram.dtype == torch.float64 and torch.allclose(gram, exact, rtol=1e-13, atol=1e-13)
        assert dot == pytest.approx(float(exact[0, 1]), rel=1e-12)
