"""Wrong solutions with a small loss, each built on purpose, and what the audit says of them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sapts_pinn import Solution, solve
from sapts_pinn.audit import audit, audited, together
from sapts_pinn.audit.residuals import check as check_residual
from sapts_pinn.audit.state import State
from sapts_pinn.geometry import Box, Interval, Product, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Dirichlet, Initial, Observations, Periodic, Problem
from sapts_pinn.problems.symmetry.symmetry import Symmetry
from sapts_pinn.problems.zoo import build

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
SMALL = {"network": (8, 8), "points": 512, "condition_points": 64, "budget": "100 iterations"}
STRIP = Interval(0, 1) * Time(0, 1)


def hat(x):
    return torch.where(x < 0.3, x / 0.3, (1 - x) / 0.7)


def with_ansatz(problem, **changes):
    """The problem with parts of its ansatz exchanged, whatever the builder thinks of them."""
    problem.__dict__["ansatz"] = replace(problem.ansatz, **changes)
    problem.__dict__.pop("terms", None)
    return problem


def frozen(value, domain=STRIP, equation=lambda u: u.t - u.xx):
    """A problem whose start is built in, differentiable or not: u = value(x) + t N."""
    start = Initial("u", lambda x: torch.zeros_like(x))
    problem = Problem(domain, "u", equation, [start], symmetry=False)
    problem = with_ansatz(problem, extension={"u": lambda p: value(p[:, 0])}, factor={"u": lambda p: p[:, 1]})
    object.__setattr__(problem, "conditions", (replace(start, value=value),))
    for name in ("condition_terms", "terms"):
        problem.__dict__.pop(name, None)
    problem.__dict__["ansatz"] = replace(problem.ansatz, exact=problem.conditions)
    return problem


def untrained(problem, points=512):
    """A model whose network gives zero, and points."""
    generator = torch.Generator().manual_seed(0)
    network = network_of(problem, (8, 8), generator, torch.float64)
    for parameter in [*network.parameters()][-2:]:
        torch.nn.init.zeros_(parameter)
    sites = {t.name: t.sites(points, generator, "uniform") for t in problem.terms}
    return Model(problem, network), sites


def topics(found):
    return [f.topic for f in found.objections]


# -- derivatives ---------------------------------------------------------------------------------------------


def test_a_hat_that_is_built_in_is_a_kink_that_the_equation_does_not_see():
    found = audit(*untrained(frozen(hat)))
    assert topics(found) == ["derivative"]
    words, figures = found.objections[0].words, found.objections[0].figures
    assert "u.x jumps" in words and "x=0.3" in words and "kink" in words and "u.xx" in words
    assert figures["jump"] == pytest.approx(1 / 0.3 + 1 / 0.7, rel=1e-6)


def test_a_narrow_kink_is_found_too():
    found = audit(*untrained(frozen(lambda x: torch.clamp(1 - (x - 0.617).abs() / 2e-3, min=0.0))))
    assert topics(found) == ["derivative"]


def test_a_step_that_is_built_in_is_a_jump():
    advected = frozen(lambda x: torch.where(x < 0.2, 1.0, 0.0).to(x), equation=lambda u: u.t + u.x)
    found = audit(*untrained(advected))
    assert topics(found) == ["derivative"] and "u jumps by 1 at x=0.2" in found.objections[0].words


@pytest.mark.parametrize(
    "value",
    [
        lambda x: torch.from_numpy(np.sin(math.pi * x.detach().numpy())) + 0 * x,
        lambda x: torch.cos(x) * torch.from_numpy(np.sin(math.pi * x.detach().numpy())),
    ],
    ids=["all", "a factor"],
)
def test_a_function_that_autograd_does_not_see_has_no_derivative(value):
    found = audit(*untrained(frozen(value)))
    assert set(topics(found)) == {"derivative"}
    assert "u.x, as the equation sees it, is not the slope of the values" in found.objections[0].words


@pytest.mark.parametrize(
    "value",
    [
        lambda x: torch.tanh((x - 0.5) / 1e-3),
        lambda x: torch.exp(-(((x - 0.3) / 0.01) ** 2)),
        lambda x: torch.sin(40 * math.pi * x),
        lambda x: (x - 0.4).abs() ** 3,
    ],
    ids=["layer", "peak", "waves", "cubic"],
)
def test_smooth_data_are_no_kink(value):
    assert "derivative" not in topics(audit(*untrained(frozen(value))))


def test_a_kink_that_no_derivative_of_the_equation_crosses_is_none():
    """u_t = u (1 - u) holds at every x alone."""
    assert "derivative" not in topics(audit(*untrained(frozen(hat, equation=lambda u: u.t - u * (1 - u)))))


# -- symmetry ------------------------------------------------------------------------------------------------


def forced(monkeypatch, found, *arguments, **more):
    from sapts_pinn.problems import problem as base

    monkeypatch.setattr(base.Problem, "symmetries", property(lambda self: found))
    return Problem(*arguments, **more)


def window(x, y):
    return torch.where(((x - 0.7137).abs() < 2e-3) & ((y - 0.3).abs() < 2e-3), 1e4, 0.0).to(x)


@pytest.mark.parametrize(
    "source",
    [
        lambda x, y: 1 + 1e-3 * torch.sin(math.pi * x) * x,
        lambda x, y: 1 + window(x, y),
        lambda x, y: torch.exp(-(((x - 0.7) / 0.05) ** 2)),
    ],
    ids=["a little", "a window", "a peak"],
)
def test_a_source_that_is_not_symmetric_speaks_against_a_forced_symmetry(monkeypatch, source):
    problem = forced(
        monkeypatch, {"x": Symmetry((1,), None)}, Box((0, 0), (1, 1)), "u",
        lambda u, x, y: u.xx + u.yy + source(x, y), [Dirichlet("u", 0.0)],
    )  # fmt: skip
    found = audit(*untrained(problem))
    assert "symmetry" in topics(found)
    words = " ".join(f.words for f in found.objections)
    assert "reflection of x about the middle" in words


def test_a_small_load_beside_a_large_stiffness_is_seen(monkeypatch):
    problem = forced(
        monkeypatch, {"x": Symmetry((1,), None)}, Interval(0, 0.1), "u",
        lambda u, x: 210e9 * u.xx + 7.85e4 * x / 0.1, [Dirichlet("u", 0.0)],
    )  # fmt: skip
    assert "symmetry" in topics(audit(*untrained(problem)))


def test_a_condition_that_is_not_symmetric_speaks_against_a_forced_symmetry(monkeypatch):
    problem = forced(
        monkeypatch, {"x": Symmetry((1,), None)}, Box((0, 0), (1, 1)), "u", lambda u: u.xx + u.yy,
        [Dirichlet("u", 0.0, ("x", "y=1")), Dirichlet("u", lambda x: x - x**3, "y=0", hard=False)],
    )  # fmt: skip
    assert "u on y=0 is not symmetric" in " ".join(f.words for f in audit(*untrained(problem)).objections)


def test_data_that_are_fitted_on_one_side_only_are_not_to_blame(monkeypatch):
    """u'' + f = 0 with u observed and f unknown."""
    x = np.linspace(0, 1, 41)
    problem = forced(
        monkeypatch, {"x": Symmetry((1, 1), None)}, Interval(0, 1), ("u", "f"), lambda u, f: u.xx + f,
        [Dirichlet("u", 0.0), Observations("u", {"x": x}, x * (1 - x) * (1 + 2 * x))],
    )  # fmt: skip
    result = solve(problem, **SMALL).result
    assert result["diagnosis"]["limit"] == "symmetry" and "observations of u" in result["diagnosis"]["words"]


@pytest.mark.parametrize("name", ["poisson-2d", "burgers", "wave", "allen-cahn-steady"])
def test_true_symmetries_hold(name):
    problem = build(name)
    assert problem.symmetries
    assert "symmetry" not in topics(audit(*untrained(problem)))


# -- sizes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [600.0, 6e6])
def test_a_missing_scale_is_not_called_capacity(length):
    problem = Problem(Interval(0, length), "M", lambda M: M.xx + 1, [Dirichlet("M", 0.0)], symmetry=False)
    factor = problem.ansatz.factor["M"]
    size = float(factor(torch.tensor([[length / 3]], dtype=torch.float64)).abs())
    plain = with_ansatz(
        problem, factor={"M": lambda p: factor(p) / size}
    )  # N of order one gives u of order one
    found = audit(*untrained(plain))
    assert topics(found) == ["scale"] and "asks for M of the order of" in found.objections[0].words
    assert found.objections[0].figures["ratio"] > 1e4


def test_a_tiny_solution_lacks_its_scale():
    problem = Problem(
        Interval(0, 1), "u", lambda u, x: u.xx + 1e-9 * torch.exp(x), [Dirichlet("u", 0.0)], symmetry=False
    )
    factor = problem.ansatz.factor["u"]
    size = float(factor(torch.tensor([[1 / 3]], dtype=torch.float64)).abs())
    found = audit(*untrained(with_ansatz(problem, factor={"u": lambda p: factor(p) / size})))
    assert topics(found) == ["scale"] and found.objections[0].figures["ratio"] < 1e-7


def test_waves_are_no_missing_scale():
    """Their source is large, and so are the derivatives."""
    assert "scale" not in topics(audit(*untrained(build("helmholtz-6-6"))))


def test_zero_is_told_where_it_solves_everything():
    fokker_planck = Problem(
        Interval(-2, 2), "p", lambda p, x: (x**3 - x) * p.x + (3 * x**2 - 1) * p + 0.25 * p.xx,
        [Dirichlet("p", 0.0)],
    )  # fmt: skip
    solution = solve(fokker_planck, **SMALL)
    assert [f["topic"] for f in solution.result["audit"]["objections"]] == ["trivial"]
    assert "p = 0 satisfies the equation and every condition" in str(solution)
    assert solution.result["diagnosis"]["limit"] == "trivial"


def test_a_source_that_uniform_points_miss_is_no_reason_to_call_the_solution_trivial():
    def window(x, y):
        return 1.0 * (((x - 0.31).abs() < 1e-4) & ((y - 0.44).abs() < 1e-4))

    def problem(source):
        return Problem(
            Box((0, 0), (1, 1)), "u", lambda u, x, y: u.xx + u.yy + source(x, y), [Dirichlet("u", 0.0)]
        )

    def found(source):
        model, sites = untrained(problem(source))
        torch.nn.init.constant_([*model.network.parameters()][-1], 1e-3)  # nearly zero
        return topics(audit(model, sites))

    assert "trivial" not in found(window) and "trivial" in found(lambda x, y: 0 * x)


def test_a_constant_is_a_solution_like_any_other():
    problem = Problem(STRIP, "u", lambda u: u.t - u.xx, [Dirichlet("u", 1.0), Initial("u", 1.0)])
    assert audit(*untrained(problem)).passed


# -- conditions ----------------------------------------------------------------------------------------------


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


# -- residuals -----------------------------------------------------------------------------------------------


def beltrami(power):
    """The Laplacian minus one on the sphere, times sin^power theta; u = cos theta + sin theta cos phi."""

    def equation(u, th, ph):
        s, c = torch.sin(th), torch.cos(th)
        laplacian = u.d("th", "th") + c / s * u.d("th") + u.d("ph", "ph") / s**2
        return s**power * (laplacian - u + 3 * (c + s * torch.cos(ph)))

    sphere = Interval(0, math.pi, name="th") * Interval(0, 2 * math.pi, name="ph")
    return Problem(sphere, "u", equation, [Periodic("ph")], symmetry=False)


def test_a_singular_coefficient_is_not_called_sampling():
    d = solve(beltrami(0), **SMALL).result["diagnosis"]
    assert d["limit"] == "singular" and "1/d^2" in d["words"] and "th=" in d["words"]
    assert solve(beltrami(2), **SMALL).result["diagnosis"]["limit"] not in ("singular", "sampling")


def test_a_false_steady_state_shows_in_the_layer_where_it_begins():
    """u_t = u (1 - u)(u - 0.3) from 0.2 falls to 0; a function that jumps to 1 is wrong in a layer."""
    problem = Problem(
        Time(0, 100), "u", lambda u: u.t - u * (1 - u) * (u - 0.3), [Initial("u", 0.2)], symmetry=False
    )
    model, sites = untrained(problem)
    jump = with_ansatz(
        problem,
        extension={"u": lambda p: 1 - 0.8 * torch.exp(-p[:, 0] / 1e-2)},
        factor={"u": lambda p: p[:, 0]},
    )
    model = Model(jump, model.network)
    seen = sites["equation"].points > 1.0  # no point in the layer
    findings, figures = check_residual(
        State(model, 4096), State(model).residual(sites["equation"].points[seen.flatten()])
    )
    assert figures["train_residual"] < 1e-6
    assert [f.topic for f in findings if f.topic != "residual"] == ["layer"]
    words = findings[0].words
    assert "layer at t=0" in words and "windows" in words


def test_a_spike_between_the_points_is_found_by_its_branching():
    def source(x):
        return torch.where((x - 0.3217).abs() < 1e-5, 1e5, 0.0).to(x) + torch.exp(x)

    problem = Problem(
        Interval(0, 1), "u", lambda u, x: u.xx + source(x), [Dirichlet("u", 0.0)], symmetry=False
    )
    smooth = Problem(
        Interval(0, 1), "u", lambda u, x: u.xx + torch.exp(x), [Dirichlet("u", 0.0)], symmetry=False
    )
    _, sites = untrained(smooth)
    problem.__dict__["natural"] = smooth.natural
    trained = solve(smooth, **SMALL).model  # what a run finds whose points all miss the spike
    found = audit(Model(problem, trained.network), sites)
    assert topics(found) == ["sampling"] and "spike" in found.objections[0].words
    assert "x=0.322" in found.objections[0].words


def test_a_solved_problem_passes_in_one_line(tmp_path):
    solution = solve(build("poisson-1d"), network=(12, 12), points=512, budget="150 iterations", out=tmp_path)
    assert solution.result["audit"]["passed"] and solution.result["audit"]["objections"] == []
    line = next(line for line in str(solution).splitlines() if line.startswith("  audit"))
    assert "passed: the residual is" in line
    stored = json.loads((tmp_path / "result.json").read_text())["audit"]
    assert stored == solution.result["audit"] and line in str(Solution.load(tmp_path))


# -- what is made of it --------------------------------------------------------------------------------------


def test_success_is_not_said_when_the_audit_objects(monkeypatch):
    from sapts_pinn.runs.status import Status, StopReason
    from sapts_pinn.training.clock import Clock
    from sapts_pinn.training.trainer import Trainer

    monkeypatch.setattr(Trainer, "_reached", lambda self: StopReason.CONVERGED.status())
    zero = Problem(Interval(0, 1), "u", lambda u: u.xx - u, [Dirichlet("u", 0.0)])
    assert solve(zero, **SMALL).result["status"] == "stopped: no step lowers the loss, but the audit objects"
    smooth = Problem(Interval(0, 1), "u", lambda u: u.x - 1, [Dirichlet("u", 0.0, "x=0")])
    monkeypatch.undo()
    monkeypatch.setattr(
        Clock,
        "_budget_spent",
        lambda self, n: StopReason.CONVERGED.status() if self.used(n) >= 1 else Status(),
    )
    assert solve(smooth, **SMALL).result["status"] == "converged to working precision"


def test_a_run_is_not_lost_because_the_audit_fails(monkeypatch):
    from sapts_pinn.audit import run

    def broken(state):
        raise RuntimeError("nothing works")

    monkeypatch.setattr(run.derivatives, "check", broken)
    result = solve(build("poisson-1d"), **SMALL).result
    assert result["audit"] is None
    assert "the solution could not be audited (RuntimeError: nothing works)" in result["remarks"]
    assert audited(*untrained(build("poisson-1d")))[0] is None


def test_the_audits_of_windows_are_one():
    good = {"passed": True, "objections": [], "figures": {"points": 3.0}}
    bad = {
        "passed": False,
        "objections": [{"topic": "layer", "words": "so", "figures": {}}],
        "figures": {"points": 5.0},
    }
    both = together([good, bad, None])
    assert (
        not both["passed"]
        and both["objections"][0]["words"] == "window 2: so"
        and both["figures"]["points"] == 5
    )
    assert together([None]) is None


def test_it_is_in_the_report(tmp_path):
    from sapts_pinn.results.report import write_report

    zero = Problem(Interval(0, 1), "u", lambda u: u.xx - u, [Dirichlet("u", 0.0)])
    solve(zero, **SMALL, out=tmp_path / "run")
    assert "<p>Audit: trivial: u = 0 satisfies" in write_report(tmp_path / "run").read_text()


def test_the_audit_says_the_same_again():
    model, sites = untrained(build("burgers"))
    assert audit(model, sites) == audit(model, sites)


def test_observations_beside_a_mirror_are_not_their_own_partners():
    """Burgers' equation is odd in x, about the middle and the ends; misfits are noise."""
    problem = build("burgers-inverse-noise-1")
    assert problem.symmetries["x"].ends is not None
    assert "symmetry" not in topics(audit(*untrained(problem)))
