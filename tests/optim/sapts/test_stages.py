"""Stages as subdomains of SAPTS: their block of the gradient, their inner products."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from draws import rng
from kernel_cases import compiled
from sapts_pinn.networks.build import build_network
from sapts_pinn.objectives.base import Counters
from sapts_pinn.objectives.least_squares import CUT
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.optim.sapts.stages import ShardedProducts, UndividedStages
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.pipeline.staged_model import StagedModel
from sapts_pinn.pipeline.undivided_objective import UndividedObjective
from sapts_runs import objective_of, sapts
from subdomains import COUNT, PROBLEMS, centred, check_slopes, cut, pipeline, problem_of, relative
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


@compiled
@pytest.mark.parametrize("size", [1, 2])
def test_a_sweep_counts_all_that_it_costs(size: int) -> None:
    """With the way back through the network, on several ranks that of all points on each."""

    def work(ranks: Communicator) -> list[list[float]]:
        objective = staged("burgers", 2)
        optimizer = SAPTS(
            objective.parameters, UndividedStages(), parts=2, communicator=ranks,
            sweep=Sweep(adaptive=False, local_steps=2, global_steps=0, order="additive"),
        )  # fmt: skip
        optimizer.step(objective)
        before = objective.counters.gradients
        optimizer.step(objective)
        spent = objective.counters.gradients - before - 1.0 / size  # that at the end of the sweep
        taken = [record.work for record in optimizer.info.parts]
        assert sum(record.steps for record in optimizer.info.parts) == 4
        return [[spent], taken]

    found = on_ranks(size, work)
    passes = CUT if size == 1 else 2.0
    for _, taken in found:
        assert sum(taken) == pytest.approx(sum(spent[0] for spent, _ in found))
        assert passes < sum(taken) <= passes + 2.0 + 1e-12  # two steps of each stage are two gradients


def staged(name: str, parts: int) -> UndividedObjective:
    problem = problem_of(name)
    sizes = len(problem.ansatz.feature_names), len(problem.unknown_names)
    model = StagedModel(problem, build_network((8, 8), *sizes, rng(), torch.float64), parts)
    sites = {t.name: t.sites(60, rng(5), "uniform") for t in problem.terms}
    return model.objective(sites, Counters(), 1)


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
