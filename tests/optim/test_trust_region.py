"""The trust region: where it ends, what a rejection leaves behind, how a saved run continues."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from closures import LEARNING, PLAIN, closure_of, minimise, quadratic
from draws import randn
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Evaluation, Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import TrustRegion
from sapts_pinn.optim.curvature import CURVATURES
from sapts_pinn.problems import build


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def pinn(name: str = "poisson-1d", points: int = 30, seed: int = 0, width: int = 6) -> LeastSquares:
    problem, generator = build(name), torch.Generator().manual_seed(seed)
    network = build_network((width,), len(problem.ansatz.feature_names), 1, generator, torch.float64)
    sites = {t.name: t.sites(points, generator, "uniform") for t in problem.terms}
    return LeastSquares(Model(problem, network), sites)


# -- property 8: known minima --------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("curvature", LEARNING)
def test_ill_conditioned_quadratic(curvature, radius):
    f, best = quadratic(1e6)
    x, optimizer = minimise(f, torch.zeros_like(best), 3000, curvature, radius)
    assert optimizer.info["converged"]
    assert float(f(x)) == pytest.approx(1.0, abs=1e-13)
    assert float((x - best).norm()) < 1e-5


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("curvature", LEARNING)
@pytest.mark.parametrize("n", [2, 6])
def test_rosenbrock(curvature, radius, n):
    start = torch.full((n,), -1.2, dtype=torch.float64)
    start[1::2] = 1.0
    x, _ = minimise(rosenbrock, start, 2000, curvature, radius)
    if n == 6 and x[0] < 0:  # the other minimum, near (-1, 1, ..., 1): Shang & Qiu, Evol. Comput. 14 (2006)
        assert float(rosenbrock(x)) == pytest.approx(3.97394050, abs=1e-8)
        assert float(torch.func.grad(rosenbrock)(x).norm()) < 1e-6
        return
    assert float(rosenbrock(x)) < 1e-16
    assert float((x - 1).norm()) < 1e-7


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("options", [{}, {"target_ratio": 0.1}, {"target_ratio": 0.5}])
def test_gauss_newton_fits_a_network(radius, options):
    """The right-hand side is -u'' of a network of the same shape: the minimum is zero."""
    objective, teacher = pinn(), pinn(seed=1)
    x = objective.sites["equation"].points
    teacher = LeastSquares(teacher.model, {"equation": objective.sites["equation"]})
    target = teacher.evaluate().residual() / teacher.blocks[0].scale.flatten()
    term = objective.blocks[0].term
    fitted = copy.copy(term)
    object.__setattr__(fitted, "residual", lambda *a: tuple(r - target for r in term.residual(*a)))
    objective.blocks[0].term = fitted
    optimizer = TrustRegion(objective.parameters, "gauss-newton", radius, **options)
    first = objective.value()
    for _ in range(150):
        optimizer.step(objective)
        if objective.last_terms[term.name] < 1e-12 * first:
            break
    assert objective.value() < 1e-10 * first, x.shape


@pytest.mark.parametrize("curvature", CURVATURES)
def test_every_curvature_lowers_the_loss_of_a_pinn(curvature):
    objective = pinn("burgers", 60)
    optimizer = TrustRegion(objective.parameters, curvature)
    first, last = objective.value(), math.inf
    for _ in range(60):
        loss = float(optimizer.step(objective))
        assert loss <= last
        last = loss
    assert last < 0.5 * first
    assert objective.value() == last


# -- property 3: rejections ----------------------------------------------------------------------------------


class Walled(Objective):
    """Infinite, or NaN, outside a ball; random numbers are drawn and a buffer counts at every look."""

    def __init__(self, x: nn.Parameter, outside: float) -> None:
        super().__init__()
        self.x, self.outside, self.looks = x, outside, torch.zeros(())
        self.parameters = [x]

    def buffers(self) -> list[Tensor]:
        return [self.looks]

    def evaluate(self) -> Evaluation:
        torch.rand(3)
        self.looks += 1
        look, x = _Look(), self.x.detach().clone()
        inside = float(x.norm()) < 2.0
        look.value = float(((x - 1.2) ** 4).sum()) if inside else self.outside
        look.gradient = lambda: 4 * (x - 1.2) ** 3
        return look


class _Look(Evaluation):
    def gradient(self) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("outside", [math.inf, math.nan, -math.inf, 1e300])
@pytest.mark.parametrize("curvature", PLAIN)
def test_a_rejected_step_leaves_everything_as_it_was(curvature, outside):
    torch.manual_seed(0)
    x = nn.Parameter(torch.tensor([-0.3, 1.0, 0.1], dtype=torch.float64))
    objective = Walled(x, outside)
    optimizer = TrustRegion([x], curvature, radius=100.0)
    rejected = 0
    for _ in range(60):
        before = (x.detach().clone(), torch.get_rng_state(), objective.looks.clone(), optimizer.radius)
        loss = optimizer.step(objective)
        if optimizer.info["converged"]:
            break
        if not optimizer.info["accepted"]:
            rejected += 1
            assert torch.equal(x, before[0])
            assert torch.equal(torch.get_rng_state(), before[1])
            assert torch.equal(objective.looks, before[2])
            assert optimizer.radius < before[3]
        assert math.isfinite(float(loss)) and math.isfinite(optimizer.radius) and optimizer.radius > 0
        assert optimizer.info["rho"] < math.inf
    assert rejected > 2
    assert float(x.detach().norm()) < 2.0 and float((x.detach() - 1.2).norm()) < 1.2


def test_a_gradient_that_is_not_finite_is_a_rejection_too():
    x = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))

    def closure() -> Tensor:  # lower beyond 0.5, but with a NaN for a gradient
        x.grad = torch.where(x.detach() < 0.5, math.nan, 2 * x.detach())
        return (x.detach() ** 2).sum()

    optimizer = TrustRegion([x], "identity", radius=0.9)
    optimizer.step(closure)
    assert not optimizer.info["accepted"] and float(x.detach()) == 1.0 and optimizer.info["rho"] > 0
    for _ in range(20):
        optimizer.step(closure)
    assert 0.5 <= float(x.detach()) < 1.0


@pytest.mark.parametrize("window", [1, 4])
def test_accepted_values_stay_below_the_bound(window):
    start = torch.tensor([-1.2, 1.0, -1.2, 1.0], dtype=torch.float64)
    x = nn.Parameter(start.clone())
    optimizer = TrustRegion([x], "lsr1", window=window)
    objective = ClosureObjective(closure_of(rosenbrock, x), [x])
    accepted = [float(rosenbrock(start))]
    rises = 0
    for _ in range(200):
        loss = float(optimizer.step(objective))
        if optimizer.info["accepted"]:
            assert loss < max(accepted[-window:])
            rises += loss > accepted[-1]
            accepted.append(loss)
    assert min(accepted) < 1e-12
    assert (rises > 0) == (window > 1)


def test_probing_leaves_no_trace(monkeypatch):
    """Of the probes that are evaluated only the one taken counts."""
    objective = pinn("burgers", 40)
    optimizer = TrustRegion(objective.parameters, "gauss-newton", radius=50.0, target_ratio=0.9)
    last = objective.value()
    for _ in range(15):
        before = gather(objective.parameters)
        loss = float(optimizer.step(objective))
        if not optimizer.info["accepted"]:
            assert torch.equal(before, gather(objective.parameters))
        assert loss <= last
        last = loss
    assert last == objective.value()


# -- the end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("curvature", PLAIN)
def test_the_end_of_progress_is_noticed(curvature):
    """With a minimum that is not zero: after it, every decrease drowns in rounding."""
    x, optimizer = minimise(lambda x: torch.cosh(x - 0.3).sum(), randn(3), 2000, curvature)
    assert optimizer.info["converged"] and optimizer.info["rho"] == 0.0
    assert float((x - 0.3).abs().max()) < 1e-6


def test_a_stationary_start_is_the_end():
    x, optimizer = minimise(lambda x: (x**2).sum() + 1, torch.zeros(2, dtype=torch.float64), 5)
    assert optimizer.info["converged"] and not x.any() and not optimizer.info["accepted"]
    assert optimizer.info.rho == optimizer.info.predicted == optimizer.info.length == 0
    assert optimizer.info.before == 1 and optimizer.rejections == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("of", ["loss", "gradient"])
def test_a_bad_start_is_said_and_not_called_convergence(of, value):
    x = nn.Parameter(torch.ones(2))

    def closure() -> float:
        x.grad = torch.full_like(x, value if of == "gradient" else 1.0)
        return value if of == "loss" else 1.0

    with pytest.raises(FloatingPointError, match=f"the {of} is .* at the starting point"):
        TrustRegion([x]).step(closure)


# -- state ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("curvature", CURVATURES)
def test_saved_and_loaded_it_continues_bit_for_bit(curvature, window, tmp_path):
    options = {"window": window, "target_ratio": 0.3 if curvature == "gauss-newton" else None}
    objective = pinn("burgers", 50)
    optimizer = TrustRegion(objective.parameters, curvature, **options)
    for _ in range(13):
        optimizer.step(objective)
    state = {"model": objective.model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state, tmp_path / "run.pt")
    for _ in range(12):
        optimizer.step(objective)
    other = pinn("burgers", 50)
    again = TrustRegion(other.parameters, curvature, **options)
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    other.model.load_state_dict(state["model"])
    again.load_state_dict(state["optimizer"])
    for _ in range(12):
        again.step(other)
    assert torch.equal(gather(objective.parameters), gather(other.parameters))
    assert again.radius == optimizer.radius and again.info == optimizer.info
    assert again.values == optimizer.values


def test_double_precision_memory_survives_single_precision_parameters(tmp_path):
    f, best = quadratic(10.0)
    x = nn.Parameter(torch.zeros(len(best)))
    optimizer = TrustRegion([x])
    closure = closure_of(lambda x: f(x.double()), x)
    for _ in range(5):
        optimizer.step(closure)
    optimizer.curvature.H = optimizer.curvature.H.double() + 1e-12
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    again = TrustRegion([x])
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(again.curvature.H, optimizer.curvature.H)


def test_a_foreign_state_is_refused():
    x = nn.Parameter(torch.ones(2))
    with pytest.raises(ValueError, match="not saved by TrustRegion"):
        TrustRegion([x]).load_state_dict(torch.optim.SGD([x], lr=0.1).state_dict())
    with pytest.raises(ValueError, match="is of LSR1, not of SSBroyden"):
        TrustRegion([x]).load_state_dict(TrustRegion([x], "lsr1").state_dict())


# -- arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": 0.0}, "radius must be positive and finite, not 0.0"),
        ({"radius": math.inf}, "radius must be positive and finite, not inf"),
        ({"radius": math.nan}, "radius must be positive and finite, not nan"),
        ({"accept": -0.1}, "0 <= accept <= shrink < grow < 1 is needed, not -0.1, "),
        ({"shrink": 0.8}, "is needed, not .*, 0.8, 0.75"),
        ({"grow": 1.0}, "is needed, not .*, 1.0"),
        ({"window": 0}, "window must be at least 1, not 0"),
        ({"target_ratio": 1.0}, r"target_ratio must lie in \(0, 1\), not 1.0"),
        ({"curvature": "bfgs"}, "unknown curvature 'bfgs'; choose one of identity, lbfgs, lsr1"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        TrustRegion([nn.Parameter(torch.ones(2))], **options)


def test_parameter_groups():
    a, b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    with pytest.raises(ValueError, match="several parameter groups"):
        TrustRegion([{"params": [a]}, {"params": [b]}])
    with pytest.raises(ValueError, match="empty parameter list"):
        TrustRegion([])
    objective = pinn()
    with pytest.raises(ValueError, match="other parameters"):
        TrustRegion(objective.parameters[:2]).step(objective)


def test_gauss_newton_of_a_plain_closure_is_refused():
    x = nn.Parameter(torch.ones(2))
    with pytest.raises(TypeError, match="least-squares objective"):
        TrustRegion([x], "gauss-newton").step(closure_of(lambda x: (x**2).sum(), x))


# -- any module, any closure ---------------------------------------------------------------------------------


def test_an_unchanged_objective_is_not_evaluated_twice():
    objective = pinn("burgers", 40)
    optimizer = TrustRegion(objective.parameters, "ssbroyden")
    accepted = 0
    for _ in range(25):
        optimizer.step(objective)
        accepted += optimizer.info["accepted"]
    assert objective.counters.functions == 26
    assert objective.counters.gradients == 1 + accepted
    with torch.no_grad():
        objective.parameters[0].mul_(1.01)  # by someone else
    optimizer.step(objective)
    assert objective.counters.functions == 28


def test_learning_rate_schedulers_find_what_they_expect():
    x = nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = TrustRegion([x])
    schedulers = [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5), torch.optim.lr_scheduler.OneCycleLR]
    for _ in range(3):
        optimizer.step(closure_of(lambda x: (x**4).sum(), x))
        schedulers[0].step()
    assert optimizer.param_groups[0]["lr"] == 0.125
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    plateau.step(1.0)


def test_frozen_and_unused_parameters_stay():
    net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    net[0].weight.requires_grad_(False)
    before = net[0].weight.clone()
    x = randn(10, 2)
    optimizer = TrustRegion(net.parameters(), "lsr1")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        return loss

    for _ in range(10):
        loss = optimizer.step(closure)
    assert torch.equal(net[0].weight, before) and float(loss) < 1e-2


def test_values_of_another_function_do_not_bound_this_one():
    """A step of 0.125 from 1 is as good as promised; one of twice the length follows, without the offset."""
    x = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = TrustRegion([x], "identity", 0.125, window=4)
    for offset, expected in ((100.0, [101.0, 100.765625]), (0.0, [0.765625, 0.390625])):
        objective = ClosureObjective(closure_of(lambda x, c=offset: (x**2).sum() + c, x), [x])
        optimizer.step(objective)
        assert list(optimizer.values) == expected and optimizer.info.before == expected[0]
