"""Models of the curvature by name: every row, the size at which one is dense, and refusals."""

from __future__ import annotations

import math

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.optim.curvature import CURVATURES, Curvature
from sapts_pinn.optim.curvature.make import (
    DENSE,
    DIVIDED,
    curvature_by_size,
    curvature_name,
    make_curvature,
    make_divided,
)
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from thread_ranks import on_ranks


@pytest.mark.parametrize("name", CURVATURES)
def test_a_name_makes_its_model_and_the_model_has_that_name(name: str) -> None:
    model = make_curvature(name)
    assert type(model) is CURVATURES[name] and curvature_name(model) == name
    assert make_curvature(name) is not model


def test_a_subclass_has_no_name() -> None:
    """What it learns cannot be made again by the name of its parent."""

    class Mine(CURVATURES["lbfgs"]):  # type: ignore[name-defined,misc]
        pass

    assert curvature_name(Mine()) is None


def test_a_matrix_is_dense_while_it_fits() -> None:
    assert [curvature_by_size(n) for n in (1, DENSE, DENSE + 1)] == ["ssbroyden", "ssbroyden", "lbfgs"]
    assert issubclass(CURVATURES[curvature_by_size(1)], Curvature)


def test_sharded_vectors_go_to_models_that_need_products_or_rows_only() -> None:
    products = ShardedProducts(SingleProcess())
    for name in ("identity", "lbfgs", "lsr1"):
        model = make_curvature(name, products)
        assert type(model) is CURVATURES[name] and vars(model)["dot"] is products
    assert type(make_curvature("ssbroyden", products)) is CURVATURES["ssbroyden"]
    sentence = (
        r"needs all parameters on one rank; stages take 'identity', 'lbfgs', 'lsr1', 'lsr1-5' or 'ssbroyden'$"
    )
    with pytest.raises(InputError, match=f"^curvature 'gauss-newton' {sentence}"):
        make_curvature("gauss-newton", products)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        InputError, match="unknown curvature 'bfgs'; choose one of identity, lbfgs, lsr1, lsr1-5, ssb"
    ):
        make_curvature("bfgs")


def test_a_dense_model_is_divided_where_that_pays() -> None:
    def work(ranks: Communicator) -> list[bool]:
        sizes = (DIVIDED - 1, DIVIDED)
        return [make_divided(name, n, ranks).divided for name in ("ssbroyden", "lbfgs") for n in sizes]

    assert on_ranks(2, work) == [[False, True, False, False]] * 2
    assert on_ranks(1, work) == [[False] * 4]
    with pytest.raises(InputError, match="unknown curvature 'dense'"):
        on_ranks(2, lambda ranks: make_divided("dense", DIVIDED, ranks))


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_a_dense_model_is_chosen_while_a_rank_can_hold_its_rows(ranks: int) -> None:
    most = math.isqrt(ranks * DENSE**2)
    assert curvature_by_size(most, ranks) == "ssbroyden" and curvature_by_size(most + 1, ranks) == "lbfgs"
    assert curvature_by_size(DENSE) == "ssbroyden" and curvature_by_size(DENSE + 1) == "lbfgs"
