"""Conditions on fresh points, from the user's own values."""

from dataclasses import replace

import pytest
import torch

from audited_models import SMALL, topics, untrained, with_ansatz
from sapts_pinn import solve
from sapts_pinn.audit import audit
from sapts_pinn.audit.conditions import _data
from sapts_pinn.geometry import Interval, Product
from sapts_pinn.problems import Dirichlet, Problem, Sites

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def test_a_condition_is_held_against_the_users_function_though_it_is_built_in():
    problem = Problem(
        Interval(0, 1), "u", lambda u: u.xx - 2, [Dirichlet("u", lambda x: x**2)], symmetry=False
    )
    assert "condition" not in topics(audit(*untrained(problem)))
    extension = problem.ansatz.extension["u"]
    found = audit(*untrained(with_ansatz(problem, extension={"u": lambda p: 1.01 * extension(p)})))
    assert "condition" in topics(found)
    words = next(f.words for f in found.objections if f.topic == "condition")
    assert "built in as exact and yet missed by 0.01" in words


class Slit(Product):
    """Two squares side by side whose common side is a wall, as where the nodes of a mesh lie there twice."""

    def __init__(self):
        super().__init__(Interval(0, 2), Interval(0, 1, "y"))
        self.faces = self.spatial_faces = (*self.faces, "seam")

    def face_patches(self):
        patches = super().face_patches()
        side = next(p for p in patches if p.tag == "x=2")

        def draw(u):
            points, normals, keep = side.draw(u)
            return points - torch.tensor([1.0, 0.0], dtype=torch.float64), normals, keep

        return [*patches, replace(side, tag="seam", draw=draw)]

    def factors(self):
        return (self,)


def test_a_seam_of_doubled_nodes_is_not_called_a_conflict():
    problem = Problem(Slit(), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], symmetry=False)
    result = solve(problem, **SMALL).result
    assert (
        result["diagnosis"]["limit"] == "geometry"
        and "'seam' has the domain on both sides" in (result["diagnosis"]["words"])
    )


@pytest.mark.parametrize(("sigma", "missed"), [(None, False), (1.0, False), (0.05, True)])
def test_data_are_missed_by_more_than_their_noise(sigma, missed):
    rows, sites = torch.full((1, 20), 0.3), Sites(torch.zeros(20, 1))
    found = _data(sigma, "20 observations of u", rows, sites)
    assert bool(found) is missed
    if missed:
        assert found[0].topic == "data" and found[0].figures["chi"] == pytest.approx(6)
        assert "missed by 6 standard deviations" in found[0].words
    assert not _data(0.05, "few", rows[:, :7], sites), "too few to tell"
