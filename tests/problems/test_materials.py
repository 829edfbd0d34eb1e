"""Materials: values by region, kept for points that are asked for again; refusals."""

import cloudpickle
import pytest
import torch

from sapts_pinn import Contact, Dirichlet, Problem
from sapts_pinn.geometry import Interval


def rod(materials, *more):
    return Problem(
        Interval(0, 1).with_regions({"left": Interval(0, 0.3), "right": Interval(0.3, 1)}),
        "u",
        lambda u, k: k * u.xx + 1,
        [Dirichlet("u", 0.0), *(more or (Contact(flux=lambda u, k: k * u.x),))],
        materials=materials,
    )


K = {"left": 2.0, "right": lambda x: 1 + x}


def test_values_by_region():
    points = torch.tensor([[0.1], [0.2], [0.5], [1.0]], dtype=torch.float64)
    problem = rod({"k": K})
    assert problem.by_region.at(points)["k"].tolist() == [2.0, 2.0, 1.5, 2.0]
    points[0] = 0.4  # the same tensor with other values
    assert problem.by_region.at(points)["k"].tolist() == [1.4, 2.0, 1.5, 2.0]
    again = cloudpickle.loads(cloudpickle.dumps(problem.by_region))
    assert again.at(points)["k"][0] == 1.4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rod({"k": {**K, "midle": 1.0}}), r"there is no region 'midle'; they are left, right$"),
        (lambda: rod({"k": {"lft": 1.0}}), r"there is no region 'lft'; did you mean 'left'\?$"),
        (lambda: rod({"k": {"left": 1.0}}), r"^materials: k has no value in the region 'right'; give one$"),
        (lambda: rod({"k": {"left": 1.0, "right": "x"}}), r"k in right: 'x' is neither a finite number nor"),
        (lambda: rod({"k": 1.0}), r"^materials: 'k' is 1\.0; give a value for each region, by name$"),
        (
            lambda: rod({"k": K}, Dirichlet("u", 0.0)),
            r"nothing says which flux is continuous there; add Contact",
        ),
        (lambda: rod({"k": K, "rho": K}), r"^nothing uses the material 'rho'; name it as a parameter"),
        (
            lambda: Problem(Interval(0, 1), "u", lambda u, k: k * u.xx, materials={"k": K}),
            r"^materials: k: Interval.* has no regions; take a mesh",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
