"""Models of the curvature by name: every row, the size at which one is dense, and refusals."""

from __future__ import annotations

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.optim.curvature import CURVATURES, Curvature
from sapts_pinn.optim.curvature.make import DENSE, curvature_by_size, curvature_name, make_curvature
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.parallel.communicator import SingleProcess


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


def test_sharded_vectors_go_to_models_that_need_products_only() -> None:
    products = ShardedProducts(SingleProcess())
    for name in ("identity", "lbfgs", "lsr1"):
        model = make_curvature(name, products)
        assert type(model) is CURVATURES[name] and vars(model)["dot"] is products
    sentence = r"needs all parameters on one rank; stages take 'identity', 'lbfgs' or 'lsr1'$"
    for name in ("ssbroyden", "gauss-newton"):
        with pytest.raises(InputError, match=f"^curvature '{name}' {sentence}"):
            make_curvature(name, products)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        InputError, match="unknown curvature 'bfgs'; choose one of identity, lbfgs, lsr1, ssb"
    ):
        make_curvature("bfgs")
