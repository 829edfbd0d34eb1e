"""The model of the whole: its kind by the parameters of all ranks, and who divides its rows."""

from __future__ import annotations

import pytest

from sapts_pinn.optim import Sweep
from sapts_pinn.optim.curvature import make
from sapts_pinn.optim.curvature.make import curvature_name
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.optim.sapts.global_model import global_model
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.parallel.communicator import Communicator
from thread_ranks import on_ranks

DENSE = 100


def made(
    ranks: Communicator, decomposition: str, own: int, name: str | None = None, sweep: Sweep | None = None
) -> tuple[str | None, bool]:
    products = ShardedProducts(ranks)
    model = global_model(name, own, DECOMPOSITIONS[decomposition], sweep or Sweep(), products)
    return curvature_name(model), model.divided


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "DENSE", DENSE)
    monkeypatch.setattr(make, "DIVIDED", 0)


@pytest.mark.parametrize(("size", "most"), [(1, 100), (2, 141), (4, 200)])
def test_the_rows_of_a_rank_are_as_many_numbers_as_the_matrix_of_a_process(size: int, most: int) -> None:
    for n, kind in ((most, "ssbroyden"), (most + 1, "lbfgs")):
        expected = [(kind, kind == "ssbroyden" and size > 1)] * size
        assert on_ranks(size, lambda ranks, n=n: made(ranks, "parameters", n)) == expected
        # Of stages a rank has its own parameters only: here all but one, or one, each.
        share = lambda ranks, n=n: n - size + 1 if ranks.rank == 0 else 1
        assert on_ranks(size, lambda ranks, share=share: made(ranks, "stages", share(ranks))) == expected


def test_subdomains_that_step_alone_need_the_whole_matrix() -> None:
    for sweep, divided in (
        (Sweep(), False),
        (Sweep(local_steps=1), False),
        (Sweep(pooled=False), True),
        (Sweep(local_steps=0), True),
    ):
        found = on_ranks(2, lambda ranks, sweep=sweep: made(ranks, "data", 50, "ssbroyden", sweep))
        assert found == [("ssbroyden", divided)] * 2
    assert on_ranks(2, lambda ranks: made(ranks, "data", DENSE + 1)) == [("lbfgs", False)] * 2


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_a_name_decides(decomposition: str) -> None:
    for name in ("lbfgs", "ssbroyden"):
        found = on_ranks(2, lambda ranks, name=name: made(ranks, decomposition, DENSE, name))
        divided = name == "ssbroyden" and decomposition != "data"
        assert found == [(name, divided)] * 2
