"""Unknown fields and positive unknowns, and observations of all kinds."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.func import functional_call

import sapts_pinn.kernels.network as module
from kernel_cases import compiled as kernel
from sapts_pinn import Coefficient, Dirichlet, Initial, Observations, Problem, Unknown, solve
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.side_by_side import SideBySide
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.problems import ZOO, Sites

BAR = Interval(0, 1) * Time(0, 2)
POINTS = {"x": [0.2, 0.5, 0.9], "t": [0.1, 1.0, 1.9]}


FIELD = Unknown("k", of="x", positive=True, init=0.3)


def bar(unknowns=("u", FIELD), conditions=(), **given):
    given = {"equation": lambda u, k, c: u.t - (k.x * u.x + k * u.xx) - c} | given
    given.setdefault("coefficients", [Coefficient("c", 0.7, positive=True)])
    return Problem(
        BAR,
        unknowns,
        given.pop("equation"),
        [
            Initial("u", lambda x: x),
            Observations("u", POINTS, [0.3, 0.1, 0.4], noise=[0.1, 0.2, 0.4]),
            Observations(lambda u, k, x: k * u.x + x, POINTS, [0.3, 0.1, 0.4]),
            *conditions,
        ],
        **given,
    )


def objective_of(problem, n=11):
    generator = torch.Generator().manual_seed(1)
    network = network_of(problem, (6, 5), generator, torch.float64)
    model = Model(problem, network)
    theta = gather(list(model.parameters()))
    scatter_(list(model.parameters()), theta + 0.3 * torch.randn(len(theta), generator=generator).double())
    return LeastSquares(model, {t.name: t.sites(n, generator, "uniform") for t in problem.terms})


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=kernel), False])
def test_the_jacobian_of_fields_and_coefficients_by_differences(compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(module, "why_not_loaded", lambda single: "there is no C compiler")
    objective = objective_of(bar(("u", Unknown("k", of="x", positive=True, init=0.3), "w"), equation=SYSTEM))
    assert objective.compiled is compiled
    theta = gather(objective.parameters)
    look = objective.evaluate()
    J = look.jacobian()
    columns = []
    for i in range(len(theta)):
        ends = []
        for h in (1e-5, -1e-5):
            scatter_(objective.parameters, theta + h * torch.eye(len(theta)).double()[i])
            ends.append(objective.evaluate().residual())
        columns.append((ends[0] - ends[1]) / 2e-5)
    scatter_(objective.parameters, theta)
    torch.testing.assert_close(J, torch.stack(columns, 1), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(look.gradient(), J.T @ look.residual(), rtol=1e-9, atol=1e-11)
    u, v = (torch.randn(size, generator=torch.Generator().manual_seed(2)).double() for size in J.shape)
    torch.testing.assert_close(look.jvp(v), J @ v, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(look.vjp(u), J.T @ u, rtol=1e-9, atol=1e-11)


SYSTEM = lambda u, k, w, c: (u.t - (k.x * u.x + k * u.xx) - c, w.x - c * k * u)


def test_the_compiled_residuals_are_those_of_autograd():
    """The equation's residual written out with derivatives of the model by PyTorch."""
    problem = bar()
    objective = objective_of(problem)
    model, points = objective.model, objective.sites["equation"].points
    x = points.clone().requires_grad_()
    u, k = model(x).unbind(1)  # without compiled code, but by Location: the ansatz has its own tests
    weights = dict(model.network.named_parameters())
    out = functional_call(model.network, weights, (problem.ansatz.features(x),))
    assert torch.allclose(k, 0.3 * torch.exp(out[:, 1]))

    def field(values):
        (slope,) = torch.autograd.grad(values.sum(), x, create_graph=True)
        return slope

    size = problem.natural.unknowns["u"]
    u = problem.ansatz.extension["u"](x) + size * problem.ansatz.factor["u"](x) * out[:, 0]
    k = 0.3 * torch.exp(out[:, 1])
    u_x, u_t = field(u).unbind(1)
    expected = u_t - (field(k)[:, 0] * u_x + k * field(u_x)[:, 0]) - model.values()["c"]
    found = objective.evaluate().residual()[: len(points)] * len(points) ** 0.5 * problem.terms[0].units[0]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def test_a_field_of_x_does_not_see_t_and_is_positive():
    solution = solve(bar(), network=(6,), points=32, condition_points=8, budget="5 iterations")
    x, t = np.linspace(0, 1, 9)[:, None], np.linspace(0, 2, 5)[None]
    k = solution.predict({"x": x, "t": t})["k"]
    # Not bit by bit: where a point lies in the batch may decide how its sums are ordered.
    assert (k > 0).all() and np.ptp(k / k[:, :1], axis=1).max() < 1e-14 and np.ptp(k[:, 0]) > 1e-6
    assert np.abs(solution.derivative({"x": x, "t": t}, "t")["k"]).max() == 0
    assert solution.coefficients["c"] > 0 and isinstance(solution.model.network, SideBySide)
    assert "  unknown     k(x), positive, starting from 0.3" in str(solution.problem)
    assert "  coefficient c, positive, starting from 0.7" in str(solution.problem)


@pytest.mark.parametrize("method", ["tr", "sapts-d", "sapts-p", "tr-gauss-newton", "lbfgs"])
def test_every_method_trains_fields(method):
    options = {"network": (6, 6), "points": 64, "condition_points": 8, "method": method}
    many = 8 if method == "lbfgs" else 40  # of twenty steps each
    losses = [solve(bar(), **options, budget=f"{n} iterations").result["loss"] for n in (1, many)]
    assert losses[1] < losses[0]


def test_what_has_no_field_refuses(tmp_path):
    with pytest.raises(
        ValueError, match=r"^k has a network of its own, and stages are .* other than sapts-ip$"
    ):
        solve(bar(), method="sapts-ip", budget="1 iterations")
    with pytest.raises(ValueError, match=r"^k needs a network of its own beside the one given; give widths"):
        solve(bar(), network=torch.nn.Linear(2, 2), budget="1 iterations")
    solve(bar(), network=lambda i, o: torch.nn.Linear(i, o), points=16, budget="1 iterations")


def test_stages_train_positive_coefficients():
    data = Observations("u", POINTS, [0.3, 0.1, 0.4])
    problem = Problem(BAR, "u", lambda u, c: u.t - c * u.xx, [data], [Coefficient("c", 0.7, positive=True)])
    solution = solve(problem, method="sapts-ip", network=(5, 5, 5), points=32, budget="3 iterations")
    assert 0 < solution.coefficients["c"] != 0.7
    assert solution.result["coefficients"] == solution.coefficients


def test_a_run_with_a_field_is_resumed_bit_for_bit(tmp_path):
    options = {"network": (6,), "points": 40, "condition_points": 8, "resample": 3}
    once = solve(bar(), budget="9 iterations", out=tmp_path / "once", **options)
    solve(bar(), budget="4 iterations", out=tmp_path / "twice", **options)
    twice = solve(bar(), budget="9 iterations", resume=tmp_path / "twice", **options)
    for a, b in zip(once.model.parameters(), twice.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert once.standard_errors == twice.standard_errors
    other = bar(("u", Unknown("k", of="x", positive=True, init=0.4)))
    with pytest.raises(ValueError, match=r"unknowns: 'k\(x\), positive, starting from 0.4', not 'k\(x\)"):
        solve(other, budget="12 iterations", resume=tmp_path / "twice", **options)


def test_conditions_on_a_positive_or_lesser_field_are_weighted_terms():
    problem = bar(conditions=[Dirichlet("k", 0.2, on="x=0")])
    assert "k on x=0: weighted term" in str(problem) and "initial value of u: exact" in str(problem)
    with pytest.raises(ValueError, match="k on x=0: hard=True, but there is no exact construction"):
        bar(conditions=[Dirichlet("k", 0.2, on="x=0", hard=True)])


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_positive_unknown_is_not_odd():
    def line(positive):
        conditions = [Dirichlet("u", 0.0)]
        return Problem(Interval(-1, 1), Unknown("u", positive=positive), lambda u: u.xx, conditions)

    assert line(False).symmetries["x"].ends == (-1,)
    assert line(True).symmetries["x"].ends is None


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_noise_is_a_weight():
    problem = bar()
    u = problem.conditions[1]
    term = problem.condition_terms[1]
    sigma = (np.mean(1 / np.array([0.1, 0.2, 0.4]) ** 2)) ** -0.5
    assert term.noise == pytest.approx(sigma)
    size = np.sqrt(np.mean(np.square([0.3, 0.1, 0.4])))
    assert term.weight == pytest.approx(0.01 * size / sigma)
    sites = u.sites(BAR, 1, torch.Generator(), "uniform")
    field = dataclasses.make_dataclass("Value", ["value"])(torch.zeros(3, dtype=torch.float64))
    (row,) = u.residual({"u": field}, sites, BAR, {})
    np.testing.assert_allclose(row, -np.array([0.3, 0.1, 0.4]) * sigma / [0.1, 0.2, 0.4])
    exact = Observations("u", POINTS, [1.0, 2.0, 3.0], noise=1e-6)
    alone = Problem(BAR, "u", lambda u: u.t - u.xx, [exact])
    assert alone.condition_terms[0].weight == 10 == problem.condition_terms[2].weight


def test_observations_of_an_expression_are_pointwise():
    def mean(u):
        return u - u.value.mean()

    with pytest.raises(
        ValueError, match=r"^3 observations of mean: the value at a point depends on the other"
    ):
        bar(conditions=[Observations(mean, POINTS, [1.0, 2.0, 3.0])])
    with pytest.raises(ValueError, match="depends on the other points"):
        bar(conditions=[Observations(lambda u: u.value.mean(), POINTS, [1.0, 2.0, 3.0])])
    with pytest.raises(
        ValueError, match=r"^3 observations of an expression asks for 'q', which is none of u, k, x, t, c"
    ):
        bar(conditions=[Observations(lambda q: q, POINTS, [1.0, 2.0, 3.0])])


def test_observations_from_a_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("x, t, u, v, error\n0.1,0,1.5,2,0.1\n0.2,1,2.5,3,0.2\n")
    u = Observations.from_csv(path, "u", noise="error", coordinates=("x", "t"))
    assert u.of == "u" and [*u.points] == ["x", "t"]
    np.testing.assert_array_equal(u.values, [1.5, 2.5])
    np.testing.assert_array_equal(u.noise, [0.1, 0.2])
    path.write_text("x,value\n0.1,2\n")
    w = Observations.from_csv(path, "w", column="value", noise=0.5)
    assert [*w.points] == ["x"] and w.noise == 0.5
    with pytest.raises(ValueError, match="has no column 'w'; its columns are x, value"):
        Observations.from_csv(path, "w")
    path.write_text("x,u\n0.1,2\n0.2,\n")
    with pytest.raises(ValueError, match="line 3: 'u' is '', no number"):
        Observations.from_csv(path, "u")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: bar(("u", Unknown("k", of="y"))),
            r"Unknown\('k', of='y'\): 'y' is none of the coordinates x, t",
        ),
        (lambda: Observations("u", POINTS, [1, 2, 3], noise=0.0), "must be positive, not 0"),
        (lambda: Observations("u", POINTS, [1, 2, 3], noise=[1, 2]), "2 numbers in 'noise' but 3 values"),
        (lambda: Observations("u", POINTS, [1, 2, 3], noise=[1, 2, -1]), "must be positive, not -1"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


INVERSE = [name for name, entry in ZOO.items() if entry.group == "Inverse"]


@pytest.mark.parametrize("name", INVERSE)
def test_the_equations_hold_for_the_references(name):
    """With the true coefficients, by central differences of order 4."""
    from sapts_pinn.problems.fields import Field

    problem = ZOO[name].build()
    truth = {"nu": 0.01 / np.pi, "sigma": 10.0, "rho": 15.0, "beta": 8 / 3, "lambda1": 1.0, "lambda2": 0.05}
    known = {c.name: torch.tensor(truth[c.name]) for c in problem.coefficients}
    points = problem.domain.interior(200, torch.Generator().manual_seed(1))
    lower, upper = problem.domain.bounds
    points = lower + 0.1 * (upper - lower) + 0.8 * (points - lower)
    if "burgers" in name:
        points = points[points[:, 0].abs() > 0.2]

    def values(unknown, p):
        columns = {c: p[:, i].numpy() for i, c in enumerate(problem.domain.names)}
        return torch.as_tensor(problem.reference.evaluate(columns)[unknown])

    def channels(unknown):
        def value(index, p=points):
            if not index:
                return values(unknown, p)
            shift = torch.zeros(problem.domain.dim, dtype=torch.float64)
            shift[index[0]] = 1e-3
            near = [value(index[1:], p + k * shift) for k in (-2, -1, 1, 2)]
            return sum(w * v for w, v in zip((1, -8, 8, -1), near, strict=True)) / 12e-3

        return value

    fields = {u: Field(u, problem.domain.names, channels(u)) for u in problem.unknown_names}
    for row in problem.evaluate(fields, points, known):
        assert row.abs().max() < 2e-4
    for condition in problem.conditions:
        if isinstance(condition, Observations):
            sites = condition.sites(problem.domain, 1, torch.Generator(), "uniform")
            noise = condition.noise or 1e-8
            assert (values(condition.of, sites.points) - sites.values).abs().max() < 5 * noise


def test_sites_of_observations_keep_their_noise_in_parts():
    problem = bar()
    objective = objective_of(problem)
    name = problem.condition_terms[1].name
    part = objective.restrict({name: torch.tensor([2, 0])})
    whole = objective.evaluate().residual()
    rows = list(objective.term_names).index(name)
    start = sum(s.points.shape[0] for s in list(objective.sites.values())[:rows])
    torch.testing.assert_close(part.evaluate().residual(), whole[start : start + 3][[2, 0]])
    assert isinstance(part.sites[name], Sites)
