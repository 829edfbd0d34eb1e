"""Complex unknowns: the same problem as one in two real unknowns, written in complex form."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn import (
    BoundaryEquation,
    Complex,
    Dirichlet,
    Initial,
    Interface,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Robin,
    solve,
)  # fmt: skip
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Reference, Unknown, build
from sapts_pinn.problems.complex_unknowns import apart
from sapts_pinn.problems.fields import Field

LINE, TIME = Interval(0, 1), Time(0, 1)
WAVE = lambda x: torch.exp(2j * x)
SMALL = {"budget": "3 iterations", "points": 64, "network": (6,), "threads": 1}


def helmholtz(**options):
    """The wave exp(2 i x), which leaves to the right."""
    given = {"reference": WAVE, "name": "wave"} | options
    return Problem(
        LINE,
        Complex("h"),
        lambda h: h.xx + 4 * h,
        [Dirichlet("h", 1.0, on="x=0"), BoundaryEquation(lambda h, n_x: h.x * n_x - 2j * h, on="x=1")],
        **given,
    )


def rows(problem, known):
    """Residuals of the equation with given functions, by autograd, in place of the parts."""
    from known_solutions import fields_of

    points = problem.domain.interior(20, torch.Generator().manual_seed(1))
    return torch.stack(problem.evaluate(fields_of(problem, known, points), points, {}))


def test_the_equation_is_that_of_the_parts():
    by_hand, written = build("schroedinger"), Problem(
        Interval(-5, 5) * Time(0, 1),
        Complex("h"),
        lambda h: 1j * h.t + 0.5 * h.xx + h * h.conj() * h,
        [Periodic("x"), Initial("h", lambda x: 2 / torch.cosh(x))],
    )  # fmt: skip
    re = lambda p: torch.sin(p[:, 0]) * p[:, 1] + 1
    im = lambda p: torch.cos(p[:, 0] - p[:, 1])
    ours, theirs = rows(written, {"h_re": re, "h_im": im}), rows(by_hand, {"u": re, "v": im})
    scale = 10 / written.domain.bounds[1, 1]
    assert scale > 0 and ours.shape == (2, 20)
    at = written.domain.interior(20, torch.Generator().manual_seed(1))
    assert torch.allclose(ours[1], 0 * at[:, 0] + _second(at), atol=1e-12)
    assert theirs.shape == ours.shape
    assert "complex     h = h_re + 1j * h_im" in str(written)
    assert "condition   initial value of h_im: exact" in str(written)


def _second(p):
    """The imaginary part, u_t + v_xx / 2 + |h|^2 v, of the two functions."""
    x, t = p[:, 0], p[:, 1]
    u, v = torch.sin(x) * t + 1, torch.cos(x - t)
    return torch.sin(x) - 0.5 * v + (u**2 + v**2) * v


def test_a_wave_leaves_through_an_impedance():
    solution = solve(helmholtz(), budget="60 iterations", points=128, network=(12,), method="tr", threads=1)
    assert solution.error() < 3e-3
    assert solution.error_estimate.relative < 1e-2
    x = np.linspace(0, 1, 11)
    found = solution.predict({"x": x})
    assert found.dtype == np.complex128 and np.abs(found - np.exp(2j * x)).max() < 1e-2
    assert solution.error({"x": x}, np.exp(2j * x)) < 3e-3
    slope = solution.derivative({"x": x}, "x")
    assert np.abs(slope - 2j * np.exp(2j * x)).max() < 2e-2
    flux = solution.evaluate(lambda h: (h.conj() * h.x).imag, {"x": x})
    assert flux.dtype == np.float64 and np.abs(flux - 2).max() < 2e-2
    assert solution.evaluate(lambda h: h.x, {"x": 0.5}).dtype == np.complex128
    assert "could not be audited" not in str(solution)


def test_pictures_show_the_size_and_the_parts(tmp_path):
    decaying = Problem(
        LINE * TIME,
        Complex("h"),
        lambda h: 1j * h.t + h.xx,
        [Dirichlet("h", 0.0), Initial("h", lambda x: torch.sin(math.pi * x) + 0j)],
    )
    solution = solve(decaying, **SMALL)
    assert list(decaying.derived) == ["|h|"]
    assert solution.plot(tmp_path / "h.png").stat().st_size > 0
    assert {"h_re", "h_im", "|h|", "h_re_gradient"} <= {*solution.to_pyvista().point_data}
    again = solve(decaying, **{**SMALL, "windows": 2})
    assert again.predict({"x": 0.5, "t": 0.9}).dtype == np.complex128


def test_conditions_become_two():
    def conditions(*given, **options):
        problem = Problem(LINE * TIME, Complex("h"), lambda h: 1j * h.t + h.xx, given, **options)
        return [(type(c).__name__, *c.unknowns()) for c in problem.conditions]

    both = [("h_re",), ("h_im",)]
    named = lambda name: [(name, *u) for u in both]
    ends = [Dirichlet("h", lambda t: torch.exp(1j * t), on="x=0"), Neumann("h", 1j, on="x=1")]
    start = Initial("h", lambda x: 1 + 1j * torch.sin(0.5 * math.pi * x) ** 2)
    found = conditions(*ends, start)
    assert found == named("Dirichlet") + named("Neumann") + named("Initial")
    cyclic = [Periodic("x", unknown="h"), Initial("h", lambda x: torch.exp(2j * math.pi * x))]
    assert conditions(*cyclic)[:2] == named("Periodic")
    seen = Observations("h", {"x": [0.5], "t": [0.5]}, [1 + 2j])
    rest = [Dirichlet("h", 1.0, on="x=0"), Robin("h", 1j, on="x=1"), start]
    assert conditions(*rest, seen)[-2:] == named("Observations")
    problem = Problem(LINE * TIME, Complex("h"), lambda h: 1j * h.t + h.xx, [*rest, seen])
    assert [float(c.values[0]) for c in problem.conditions[-2:]] == [1.0, 2.0]
    size = Observations(lambda h: abs(h) ** 2, {"x": [0.5], "t": [0.5]}, [1.0])
    assert len(conditions(*rest, size)) == 7
    slope = Observations(lambda h: h.x, {"x": [0.5], "t": [0.5]}, [1j])
    assert len(conditions(*rest, slope)) == 8
    flux = Interface(at=lambda x: x - 0.5, flux=lambda h: h.x)
    assert len(conditions(*rest, flux)) == 7


def test_real_unknowns_may_stand_beside():
    problem = Problem(
        TIME,
        (Complex("a"), "n"),
        lambda a, n: (a.t + 1j * n * a, n.t + abs(a) ** 2),
        [Initial("a", 1j), Initial("n", 1.0)],
        particular={"a": lambda t: 1j * t},
        scales={"a": 2.0},
        reference=lambda t: {"a": 1j + 0 * t},
    )
    assert problem.unknown_names == ("a_re", "a_im", "n") and problem.equation_term.rows == 3
    assert problem.scales == {"a_re": 2.0, "a_im": 2.0} and set(problem.particular) == {"a_re", "a_im"}
    found = solve(problem, **SMALL).predict({"t": [0.0, 1.0]})
    assert set(found) == {"a", "n"} and found["a"][0] == pytest.approx(1j)


def test_references_of_either_kind():
    exact = Reference("formula", 1e-15, lambda at: {"h": np.exp(2j * at["x"])}, lambda: {"x": np.ones(3)})
    for given in (exact, WAVE, lambda x: {"h": WAVE(x)}):
        solution = solve(helmholtz(reference=given), **SMALL)
        found = solution.reference({"x": np.array([0.3])})
        assert found["h_re"] + 1j * found["h_im"] == pytest.approx(np.exp(0.6j))


def test_derivatives_of_complex_expressions():
    k = lambda x: 1 + 1j * x
    inner = Problem(LINE, Complex("h"), lambda h, x: (k(x) * h.x).x + h, [Dirichlet("h", 1.0)])
    by_hand = Problem(LINE, Complex("h"), lambda h, x: k(x) * h.xx + 1j * h.x + h, [Dirichlet("h", 1.0)])
    known = {"h_re": lambda p: torch.sin(p[:, 0]), "h_im": lambda p: p[:, 0] ** 3}
    assert torch.allclose(rows(inner, known), rows(by_hand, known), atol=1e-12)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Robin("h", 0.0, alpha=-2j), "a complex factor mixes both parts: write BoundaryEquation"),
        (
            lambda: Problem(LINE, "u", lambda u: u.xx, [Dirichlet("u", 1j)]),
            r"declare the unknown as unknowns=Complex\('h'\)",
        ),
        (lambda: Problem(LINE, "u", lambda u: 1j * u.xx), r"unknowns=Complex\('h'\)"),
        (
            lambda: Problem(LINE, Complex("h"), lambda h: h.x, [Observations("h", {"x": [0.5]}, [1.0])]),
            "h is complex: give complex .*ones",
        ),
        (lambda: Problem(LINE, Complex("h"), lambda h: h.y), "h.y, but 'y' is not made of"),
        (lambda: Dirichlet("h", complex("nan")), "must be a finite number"),
        (
            lambda: Problem(LINE, "u", lambda u: u.x, [Observations("u", {"x": [0.5]}, [1j])]),
            "hold complex numbers: declare the unknown",
        ),
    ],
)
def test_refusals(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_parts():
    re, im = Complex("h", of="x").parts
    assert re == Unknown("h_re", of="x", part_of="h") and im.name == "h_im"
    one = apart(torch.tensor([1 + 2j]))
    assert [float(v) for v in one] == [1, 2] and apart(2.0) == 2.0
    field = Field("u", ("x",), lambda index: torch.ones(2))
    assert apart((field, 1j))[0] is field
