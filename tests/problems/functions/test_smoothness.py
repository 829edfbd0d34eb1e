"""Given functions are judged by value before they are built in: smooth, opaque to autograd, kinked."""

import math
import time

import numpy as np
import pytest
import scipy.special
import torch
from scipy.interpolate import CubicSpline, PchipInterpolator

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Coefficient, Dirichlet, Initial, Interface, Problem
from sapts_pinn.problems.ansatz.singular import diffused, harmonic, step
from sapts_pinn.problems.fields import derivatives
from sapts_pinn.problems.focus import supports
from sapts_pinn.problems.functions.interpolants import interpolant
from sapts_pinn.problems.functions.smoothness import Box, breaks, misses_derivatives, rough_places
from sapts_pinn.problems.functions.special import differentiable
from sapts_pinn.problems.zoo import ZOO, build

ZERO, ONE = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
BOX = Box(ZERO, ONE, [2])
NODES = np.linspace(0, 1, 21)
X = Interval(0, 1)


def hat(x):
    return torch.where(x < 0.3, x / 0.3, (1 - x) / 0.7)


def opaque(function):
    return lambda x: torch.as_tensor(function(x.detach().numpy()))


def heat(value, **named):
    conditions = [Dirichlet("u", 0.0, on="x"), Initial("u", value, **named)]
    return Problem(X * Time(0, 1), "u", lambda u: u.t - u.xx, conditions)


KINKED = {
    "hat": (hat, 1, 0.3),
    "step": (lambda x: (x < 0.2).double(), 0, 0.2),
    "constants": (lambda x: torch.where(x < 0.2, 1.0, 0.0), 0, 0.2),
    "abs": (lambda x: (x - 0.37).abs(), 1, 0.37),
    "relu": (lambda x: torch.relu(x - 0.5), 1, 0.5),
    "sawtooth": (lambda x: 2 * x - torch.floor(2 * x), 0, 0.5),
    "three pieces": (lambda x: torch.where(x < 0.25, x, torch.where(x < 0.6, 0.25, 0.85 - x)), 1, 0.25),
    "narrow window": (lambda x: ((x - 0.4567).abs() < 1e-4).double(), 0, 0.4567),
    "small kink": (lambda x: torch.sin(3 * x) + 1e-3 * torch.relu(x - 0.7654), 1, 0.7654),
    "second derivative": (lambda x: (x - 0.5) * (x - 0.5).abs(), 2, 0.5),
    "root": (torch.sqrt, 1, 0.0),
    "power 1.5": (lambda x: x**1.5, 2, 0.0),
}
SMOOTH = {
    "sine": lambda x: torch.sin(math.pi * x),
    "oscillation": lambda x: torch.sin(200 * x),
    "Gaussian": lambda x: torch.exp(-(((x - 0.412) / 1e-3) ** 2)),
    "steep tanh": lambda x: torch.tanh((x - 0.5) / 0.01),
    "constant up to rounding": lambda x: torch.sin(x) ** 2 + torch.cos(x) ** 2,
    "two equal branches": lambda x: torch.where(x < 0.5, torch.exp(x), torch.exp(x)),
    "large offset": lambda x: 1e6 + torch.sin(x),
    "exp(-1/x)": lambda x: torch.exp(-1 / x),
    "guarded sinc": lambda x: torch.where(
        (x - 0.5).abs() < 1e-8, torch.ones_like(x), torch.sin(x - 0.5) / (x - 0.5)
    ),
    "kink of third order": lambda x: (x - 0.5).abs() ** 3,
    "power 2.5": lambda x: x**2.5,
    "single precision": lambda x: torch.sin(x.float()).double(),
}
OPAQUE = {
    "numpy": opaque(np.sin),
    "spline": opaque(CubicSpline(NODES, np.sin(np.pi * NODES))),
    "Pchip": opaque(PchipInterpolator(NODES, np.sin(np.pi * NODES))),
    "in part": lambda x: x + torch.sin(x.detach()),
    "Legendre": lambda x: torch.special.legendre_polynomial_p(x, 3),
    "gammainc": lambda x: torch.special.gammainc(1.5 + x, x + 1),
    "Bessel as it is": lambda x: torch.special.bessel_j0(3 * x),
}


@pytest.mark.parametrize("name", KINKED)
def test_kinks_and_jumps_are_found(name):
    function, order, place = KINKED[name]
    assert not misses_derivatives(lambda p: function(p[:, 0]), BOX)
    found = breaks(lambda p: function(p[:, 0]), BOX)
    lowest = min(found, key=lambda b: b.order)
    assert lowest.order == order
    assert min(abs(float(b.point[0]) - place) for b in found) < 2e-4


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_pass(name):
    function = SMOOTH[name]
    assert not misses_derivatives(lambda p: function(p[:, 0]), BOX)
    assert not breaks(lambda p: function(p[:, 0]), BOX)


@pytest.mark.parametrize("name", OPAQUE)
def test_what_autograd_misses_is_found(name):
    assert misses_derivatives(lambda p: OPAQUE[name](p[:, 0]), BOX)


def test_a_kink_is_found_by_values_alone():
    found = rough_places(lambda p: opaque(lambda x: np.maximum(0, 0.2 - abs(x - 0.5)))(p[:, 0]), BOX)
    for place in (0.3, 0.5, 0.7):
        assert min(abs(float(b.point[0]) - place) for b in found) < 1e-3


RULES = {
    "bessel_j0": lambda x: scipy.special.jv(0, x), "bessel_j1": lambda x: scipy.special.jv(1, x),
    "bessel_y0": lambda x: scipy.special.yv(0, x), "bessel_y1": lambda x: scipy.special.yv(1, x),
    "modified_bessel_i0": lambda x: scipy.special.iv(0, x),
    "modified_bessel_i1": lambda x: scipy.special.iv(1, x),
    "modified_bessel_k0": lambda x: scipy.special.kv(0, x),
    "modified_bessel_k1": lambda x: scipy.special.kv(1, x),
    "scaled_modified_bessel_k0": lambda x: scipy.special.kve(0, x),
    "scaled_modified_bessel_k1": lambda x: scipy.special.kve(1, x),
    "spherical_bessel_j0": lambda x: np.sin(x) / x, "airy_ai": lambda x: scipy.special.airy(x)[0],
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_special_functions_have_derivatives(name):
    x = torch.linspace(0.5, 4, 9, dtype=torch.float64)[:, None]
    with differentiable():
        found = derivatives(lambda p: getattr(torch.special, name)(p[:, 0]), x, [(), (0,), (0, 0)])
    h, exact = 1e-3, RULES[name]
    low, middle, high = (exact(x[:, 0].numpy() + s * h) for s in (-1, 0, 1))
    for value, right in zip(
        found, (middle, (high - low) / (2 * h), (high - 2 * middle + low) / h**2), strict=True
    ):
        assert np.allclose(value.numpy(), right, rtol=1e-4, atol=1e-6)


def test_bessel_functions_have_derivatives_at_zero():
    with differentiable():
        slope, curvature = derivatives(
            lambda p: torch.special.bessel_j0(p[:, 0]), torch.zeros(1, 1).double(), [(0,), (0, 0)]
        )
    assert float(slope) == 0 and float(curvature) == pytest.approx(-0.5)


def test_interpolant():
    spline = CubicSpline(NODES, np.sin(np.pi * NODES))
    found = interpolant(lambda p: opaque(spline)(p[:, 0]), ZERO, ONE, [2])
    x = torch.linspace(0.01, 0.99, 200, dtype=torch.float64)[:, None]
    for order, value in enumerate(derivatives(found, x, [(), (0,), (0, 0)])):
        assert np.abs(value.numpy() - spline(x[:, 0].numpy(), order)).max() < (1e-9, 1e-6, 2e-2)[order]
    assert interpolant(lambda p: (p[:, 0] - 0.3).abs(), ZERO, ONE, [2]) is None
    plane = interpolant(lambda p: torch.sin(p[:, 0] * p[:, 1]), ZERO.expand(2), ONE.expand(2), [2, 2])
    p = torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    assert float(derivatives(plane, p, [(0, 1)])[0]) == pytest.approx(
        math.cos(0.21) - 0.21 * math.sin(0.21), abs=1e-6
    )


@pytest.mark.parametrize("p", [0, 1, 2])
def test_what_kinks_start_solves_the_equations(p):
    g = torch.Generator().manual_seed(0)
    points = torch.rand(50, 2, generator=g, dtype=torch.float64) + torch.tensor([-0.5, 0.01]).double()
    xx, t = derivatives(lambda q: diffused(q[:, 0], q[:, 1], p), points, [(0, 0), (1,)])
    assert torch.allclose(xx, t, rtol=1e-9, atol=1e-9)
    xx, ss = derivatives(lambda q: harmonic(q[:, 0], q[:, 1], p), points, [(0, 0), (1, 1)])
    assert torch.allclose(xx, -ss, rtol=1e-9, atol=1e-9)
    y, zero = points[:, 0], torch.zeros(50, dtype=torch.float64)
    for form in (diffused, harmonic):
        assert torch.allclose(form(y, zero, p), step(y, p), atol=1e-15)
        assert torch.allclose(form(y, zero + 1e-12, p), step(y, p), atol=1e-5)


def test_the_printout_says_what_happens_to_kinks():
    problem = heat(hat)
    assert "not smooth at x=0.3: what starts there is known in closed form" in str(problem)
    kinked = Problem(
        X * Time(0, 1),
        "u",
        lambda u, x: u.tt - (1 + x) * u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", hat, velocity=0.0)],
    )
    assert "its slope in x jumps at x=0.3: it is a weighted term" in str(kinked)
    assert kinked.conditions[1] not in kinked.ansatz.exact


def test_opaque_data():
    smooth = heat(opaque(lambda x: np.sin(np.pi * x)))
    assert smooth.conditions[1] in smooth.ansatz.exact and "a spline through it" in str(smooth)
    points = torch.tensor([[0.3, 0.0], [0.7, 0.5]], dtype=torch.float64)
    (xx,) = derivatives(smooth.ansatz.extension["u"], points, [(0, 0)])
    right = -(math.pi**2) * torch.sin(math.pi * points[:, 0])
    assert torch.allclose(xx, right, rtol=1e-5)
    table = heat(opaque(lambda x: np.interp(x, NODES, np.sin(np.pi * NODES))))
    assert table.conditions[1] not in table.ansatz.exact
    with pytest.raises(ValueError, match="hard=True, but PyTorch cannot differentiate it"):
        heat(opaque(lambda x: np.interp(x, NODES, np.sin(np.pi * NODES))), hard=True)
    with pytest.raises(ValueError, match="hard=True, but its slope in x grows without bound at x=0"):
        heat(lambda x: torch.sqrt(x) * (1 - x), hard=True)
    with pytest.raises(ValueError, match="particular part of u: PyTorch cannot differentiate"):
        Problem(X, "u", lambda u: u.xx, [Dirichlet("u")], particular={"u": opaque(np.sin)})
    at = Interface(at=opaque(lambda x: x - 0.5), flux=lambda u: u.x)
    with pytest.raises(ValueError, match="Interface: at= : PyTorch cannot differentiate"):
        Problem(X, "u", lambda u: u.xx, [Dirichlet("u"), at])


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_kink_in_a_known_part_is_said():
    with pytest.warns(UserWarning, match="the particular part of u: its slope in x jumps at x=0.3"):
        Problem(X, "u", lambda u: u.xx, [Dirichlet("u")], particular={"u": hat})


HIDDEN = {
    "detach": lambda u: u.xx.value.detach() + u,
    "small": lambda u: u.xx + 1e-4 * u.value.detach(),
    "numpy": lambda u: u.xx + torch.as_tensor(np.sin(u.value.detach().numpy())),
    "special": lambda u: u.xx + torch.special.bessel_j0(u.value),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_equations_that_hide_the_unknown_are_refused(name):
    with pytest.raises(ValueError, match="in a way that PyTorch does not differentiate"):
        Problem(X, "u", HIDDEN[name], [Dirichlet("u")])


def test_hidden_coefficients_are_refused_and_tables_of_coordinates_are_not():
    with pytest.raises(ValueError, match="the equation uses k in a way"):
        Problem(X, "u", lambda u, k: u.xx + k.detach() * u, [Dirichlet("u")], [Coefficient("k", init=2.0)])
    Problem(X, "u", lambda u, x: u.xx + opaque(np.sin)(x), [Dirichlet("u")])
    Problem(X, "u", lambda u: 1e9 * u.xx + torch.exp(30 * u.value) + u.value.abs(), [Dirichlet("u")])


def test_small_supports_get_points():
    lower, upper = ZERO.expand(2), ONE.expand(2)

    def window(p):
        return ((p[:, 0] - 0.3).abs() < 5e-3).double() * ((p[:, 1] - 0.6).abs() < 5e-3)

    small = supports(window, lower, upper)
    assert float(window(small.draw(1000, torch.Generator().manual_seed(0))).mean()) > 0.3
    assert supports(lambda p: (p[:, 0] < 0.5).double(), lower, upper) is None
    square = X * Interval(0, 1, name="y")
    problem = Problem(
        square, "u", lambda u, x, y: u.xx + u.yy + window(torch.stack([x, y], 1)), [Dirichlet("u")]
    )
    drawn = problem.equation_term.sites(1000, torch.Generator().manual_seed(0), "sobol").points
    assert float(window(drawn).mean()) > 0.05 and bool(square.inside(drawn).all())
    plain = Problem(square, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u")])
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    mine = plain.equation_term.sites(100, generators[0], "sobol").points
    assert torch.equal(mine, square.interior(100, generators[1], "sobol"))


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_raises_no_alarm(name):
    problem = build(name)
    text = " ".join(problem.ansatz.messages)
    for alarm in ("jumps at", "grows without bound", "cannot differentiate", "not smooth at"):
        assert alarm not in text
    assert not problem.singular and problem._small_supports is None


def test_judging_is_fast():
    heat(lambda x: torch.sin(math.pi * x))
    start = time.process_time()
    heat(lambda x: torch.sin(math.pi * x) * torch.exp(x))
    assert time.process_time() - start < 0.5
