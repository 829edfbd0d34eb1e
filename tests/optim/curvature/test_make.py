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


WHOLE = ("ssbroyden", "gauss-newton")  # a dense matrix, and rows of a Jacobian


def test_sharded_vectors_go_to_models_that_need_products_only() -> None:
    products = ShardedProducts(SingleProcess())
    able = [name for name in CURVATURES if name not in WHOLE]
    for name in able:
        model = make_curvature(name, products)
        assert type(model) is CURVATURES[name] and vars(model)["dot"] is products
    listed = ", ".join(map(repr, able[:-1])) + f" or {able[-1]!r}"
    for name in WHOLE:
        with pytest.raises(
            InputError, match=f"^curvature '{name}' needs all parameters on one rank; stages take {listed}$"
        ):
            make_curvature(name, products)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match=f"unknown curvature 'bfgs'; choose one of {', '.join(CURVATURES)}$"):
        make_curvature("bfgs")
