"""The interface of a condition: no class checks elsewhere, and new kinds that no other file knows."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.audit.run import audit
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Condition, Sites
from sapts_pinn.problems.conditions.base import Prescribed

ROOT = Path(__file__).resolve().parents[3]
FAST = {"network": (12,), "points": 128, "budget": "150 iterations"}


def kinds(of=Condition):
    """The names of all kinds of conditions."""
    return {of.__name__} | {name for kind in of.__subclasses__() for name in kinds(kind)}


def test_conditions_are_not_told_apart_by_their_classes():
    """One check remains: whether what a user gave is a condition at all."""
    names, found = kinds() - {"Condition"}, []
    assert {"Dirichlet", "Initial", "Observations", "Continuation"} <= names
    files = [*ROOT.glob("problems/**/*.py"), *ROOT.glob("sapts_pinn/**/*.py")]
    for file in files:
        if "conditions" in file.parent.parts:
            continue
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("isinstance", "issubclass"):
                of = {node.id for node in ast.walk(call.args[1]) if isinstance(node, ast.Name)}
                found += [f"{file}:{call.lineno}" for _ in of & names]
    assert len(files) > 200 and not found


@dataclass(frozen=True)
class Jump(Condition):
    """u(right) - u(left) = step, of two points inside."""

    left: float
    right: float
    step: float
    hard: bool | None = None
    weight: float | None = None

    def unknowns(self):
        return ("u",)

    def faces(self, domain):
        return ()

    def sites(self, domain, n, generator, sampler):
        return Sites(torch.tensor([[self.left], [self.right]], dtype=torch.float64), fold=2)

    def residual(self, fields, sites, domain, known):
        left, right = fields["u"].value.chunk(2)
        return (right - left - self.step,)

    def describe(self, domain):
        return f"jump of u from {self.left} to {self.right}"


@dataclass(frozen=True)
class Held(Jump):
    """u = step on all faces, which the ansatz can satisfy exactly."""

    def faces(self, domain):
        return domain.spatial_faces

    def sites(self, domain, n, generator, sampler):
        drawn = domain.boundary(n, generator, on=domain.spatial_faces, sampler=sampler)
        return Sites(drawn.points, drawn.normals)

    def residual(self, fields, sites, domain, known):
        return (fields["u"].value - self.step,)

    def describe(self, domain):
        return "u held"

    def prescribed(self):
        return Prescribed("u", self.step)


def rod(*conditions):
    return Problem(Interval(0, 1), "u", lambda u: u.xx, [*conditions], reference=lambda x: 2 * x)


def test_a_new_condition_is_trained_with_by_its_residual_alone():
    """u'' = 0, u(0) = 0, u(0.75) - u(0.25) = 1: u = 2 x."""
    problem = rod(Dirichlet("u", 0.0, on="x=0"), Jump(0.25, 0.75, 1.0))
    assert "jump of u from 0.25 to 0.75: weighted term, balanced" in str(problem)
    assert not problem.symmetries  # a kind that cannot be tested forbids them
    found = solve(problem, **FAST)
    assert found.result["relative_l2_error"] < 1e-4
    values = found.predict({"x": torch.tensor([0.25, 0.75])})
    assert float(values[1] - values[0]) == pytest.approx(1.0, abs=1e-4)
    sites = {term.name: term.sites(64, torch.Generator().manual_seed(1), "uniform") for term in problem.terms}
    assert not audit(found.model, sites).objections


def test_a_new_condition_enters_the_ansatz_by_what_it_prescribes():
    problem = rod(Held(0, 0, 3.0))
    assert "u held: exact, by construction" in str(problem)
    model = Model(problem, network_of(problem, (5,), torch.Generator().manual_seed(1), torch.float64))
    ends = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    assert model(ends).flatten().tolist() == pytest.approx([3.0, 3.0], abs=1e-14)
    assert problem.condition_terms[0].held
    with pytest.warns(UserWarning, match="prescribed twice|over-determined") as caught:
        rod(Held(0, 0, 3.0), Dirichlet("u", 0.0, on="x=0"))
    said = " ".join(str(warning.message) for warning in caught)
    assert "u is prescribed twice on x=0, the values differ by 3" in said and "over-determined" in said
