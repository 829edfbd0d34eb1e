"""Residuals of a problem that reflections have to map to each other."""

import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Neumann
from sapts_pinn.problems.symmetry.probing import evaluate
from sapts_pinn.problems.symmetry.residuals import Residuals

BAR = Interval(0, 1) * Time(0, 1)


def residuals(*conditions, **known) -> Residuals:
    def equation(fields, points, parameters):
        u = fields["u"]
        return (u.t - parameters.get("k", 1.0) * u.xx - points[:, 0],)

    numbers = {name: torch.tensor(value, dtype=torch.float64) for name, value in known.items()}
    return Residuals(BAR, equation, {"u": [(1,), (0, 0)]}, conditions, numbers)


def test_coefficients_get_values_that_are_not_special():
    inside = residuals(k=0.0).inside
    at = inside.many.of(torch.arange(3))
    row = torch.tensor([[0.0, 1.0]], dtype=torch.float64)  # u_xx = 1 alone
    (found,) = evaluate(inside.local, BAR.names, (("u", (1,)), ("u", (0, 0))), row, at)
    factor = -(found[0] + at.points[:, 0])
    assert torch.allclose(factor, factor[:1]) and 1 <= float(factor[0]) <= 1.5
    assert BAR.inside(inside.many.points).all()


def test_a_condition_is_compared_on_its_face_and_remembered():
    wall = Dirichlet("u", lambda t: t, on="x=0")
    given = residuals(wall)
    found = given.on(wall, "x=0", {"u": [()]})
    assert found is given.on(wall, "x=0", {"u": [()]})
    assert (found.many.points[:, 0] == 0).all() and (found.many.normals[:, 0] == -1).all()
    assert len(found.many.points) > 100, "the value varies on the face"


def test_partners_are_conditions_of_one_kind_on_the_opposite_face():
    left, right = Dirichlet("u", 0.0, on="x=0"), Dirichlet("u", 1.0, on="x=1")
    soft, flux = Dirichlet("u", 0.0, on="x=1", hard=False), Neumann("u", 0.0, on="x=1")
    start = Initial("u", 0.0)
    given = residuals(left, right, soft, flux, start)
    assert len(given.partners(left, "x=0", axis=0)) == 1
    assert len(given.partners(soft, "x=1", axis=0)) == 0, "the opposite one is built in"
    (same,) = given.partners(start, "t=0", axis=0)  # a reflection in x leaves the start where it is
    row = torch.tensor([[5.0]], dtype=torch.float64)
    (found,) = evaluate(same, BAR.names, (("u", ()),), row, start.sites(BAR, 3, torch.Generator(), "uniform"))
    assert found.unique().tolist() == [5]
