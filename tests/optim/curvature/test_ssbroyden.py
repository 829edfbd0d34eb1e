"""Dense self-scaled Broyden against the formulas of the literature, written out with dense matrices."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from draws import randn
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.curvature import CURVATURES, SSBroyden
from sapts_pinn.optim.curvature.low_rank_update import Deferred
from sapts_pinn.problems import build


def naive(H: Tensor, s: Tensor, y: Tensor) -> Tensor:
    """SSBroyden2 as the patched SciPy of arXiv:2405.04230 computes it, with B = H^-1 formed."""
    n, B = len(s), torch.linalg.inv(H)
    rho = 1 / float(y @ s)
    h, b = rho * float(y @ H @ y), rho * float(s @ B @ s)
    a = b * h - 1
    c = math.sqrt(abs(a) / (1 + a))
    rho_m = min(1.0, h * (1 - c))
    theta_m, theta_p = (rho_m - 1) / a, 1 / rho_m
    theta = max(theta_m, min(theta_p, (1 - b) / b))
    sigma = 1 + theta * a
    sigma_n = abs(sigma) ** (1 / (1 - n))
    tau = min(min(1, 1 / b) * sigma_n, sigma) if theta <= 0 else min(1, 1 / b) * min(sigma_n, 1 / theta)
    phi = (1 - theta) / (1 + a * theta)
    Hy, yHy = H @ y, float(y @ H @ y)
    v = rho * s - Hy / yHy
    return (H - Hy.outer(Hy) / yHy + phi * yHy * v.outer(v)) / tau + rho * s.outer(s)


def relative(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def walk(n: int, steps: int, seed: int, radius: float = 1.0):
    """Steps of the method itself on a convex function that is no quadratic."""
    A = randn(n, n, seed=seed)
    A = A @ A.T / n + 0.1 * torch.eye(n, dtype=torch.float64)
    gradient = lambda x: A @ x + torch.tanh(x) ** 3
    model, x = SSBroyden(), randn(n, seed=seed + 1)
    for _ in range(steps):
        g = gradient(x)
        step = model.solve(g, radius)
        H = model.H.clone()
        y = gradient(x + step.s) - g
        used = model.update(step.s, y)
        yield model, H, step, y, used
        x = x + step.s


@given(st.integers(2, 9), st.integers(0, 50), st.sampled_from([0.1, 1.0, 10.0]))
def test_update_is_the_formula_of_the_literature(n, seed, radius):
    for model, H, step, y, used in walk(n, 6, seed, radius):
        if not used:
            break
        if float(step.s.norm()) < 1e-6:
            break  # converged: y is rounding
        assert relative(model.H, naive(H, step.s, y)) < 1e-9
        assert relative(model.H @ y, step.s) < 1e-10  # secant
        assert float(torch.linalg.eigvalsh((model.H + model.H.T) / 2)[0]) > 0
        assert relative(model.mv(step.s), y) < 1e-7


@pytest.mark.parametrize(
    ("scale", "tilt"), [(1.0, 0.0), (0.3, 0.0), (4.0, 0.0), (1.0, 1e-9), (1e8, 1.0), (1.0, 1e5), (1e-4, 1e-4)]
)
def test_extreme_pairs(scale, tilt):
    """Of y parallel to Bs, where the formula is 0/0, and far from it, where 1 - c cancels."""
    model, g = SSBroyden(), randn(5)
    step = model.solve(g, 0.5)
    side = randn(5, seed=1)
    side -= side @ step.s / (step.s @ step.s) * step.s
    y = scale * step.s + tilt * side
    assert model.update(step.s, y)
    size = float(torch.linalg.matrix_norm(model.H, 2))
    assert float((model.H @ y - step.s).norm()) <= 1e-13 * size * float(y.norm())
    assert float(torch.linalg.eigvalsh((model.H + model.H.T) / 2)[0]) > -1e-14 * size


def test_a_pair_at_a_right_angle_but_for_rounding_is_skipped():
    model = SSBroyden()
    step = model.solve(randn(5), 0.5)
    H, side = model.H.clone(), randn(5, seed=1)
    side -= side @ step.s / (step.s @ step.s) * step.s
    for y in (step.s + 1e9 * side, step.s + 1e7 * side):
        assert not model.update(step.s, y)
        assert torch.equal(model.H, H)


def test_one_parameter():
    model = SSBroyden()
    step = model.solve(torch.tensor([3.0], dtype=torch.float64), 1.0)
    assert model.update(step.s, 4 * step.s)
    assert float(model.H) == pytest.approx(0.25)


@pytest.mark.parametrize("bad", ["negative", "zero", "nan", "inf"])
def test_a_pair_that_says_nothing_is_skipped(bad):
    model = SSBroyden()
    step = model.solve(randn(4), 1.0)
    H = model.H.clone()
    y = {"negative": -step.s, "zero": 0 * step.s, "nan": step.s * math.nan, "inf": step.s * math.inf}[bad]
    assert not model.update(step.s, y)
    assert torch.equal(model.H, H)


def test_only_the_step_solved_for_last_is_learned():
    model = SSBroyden()
    first = model.solve(randn(4), 1.0)
    model.solve(randn(4), 0.5)
    with pytest.raises(ValueError, match="learns from the step it solved for last"):
        model.update(first.s, first.s)
    with pytest.raises(ValueError, match="learns from the step"):
        SSBroyden().update(first.s, first.s)


@given(st.integers(0, 30), st.floats(1e-3, 1e3))
def test_step_minimises_over_the_ellipsoid(seed, radius):
    """By the change of variables z = L^T s, B = L L^T, which makes the ellipsoid a ball."""
    *_, (model, *_rest) = walk(6, 4, seed)
    g = randn(6, seed=seed + 9)
    step = model.solve(g, radius)
    B = torch.linalg.inv(model.H)
    L = torch.linalg.cholesky((B + B.T) / 2)
    z = -torch.linalg.solve(L, g)
    z = z * min(1.0, radius / float(z.norm()))
    exact = torch.linalg.solve(L.T, z)
    assert relative(step.s, exact) < 1e-8
    assert step.length == pytest.approx(float(z.norm()), rel=1e-8)
    assert step.predicted == pytest.approx(-float(g @ exact + exact @ B @ exact / 2), rel=1e-7)
    assert step.on_boundary == (step.length < float((g @ model.H @ g).sqrt()) * (1 - 1e-12))


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_gradient_that_is_zero_or_not_finite(value):
    step = SSBroyden().solve(torch.full((3,), value, dtype=torch.float64), 1.0)
    assert not step.s.any() and not step.predicted > 0
    assert math.isnan(step.predicted) == (value != 0)


def test_state_round_trip(tmp_path):
    runs = list(walk(5, 8, 2))
    model = runs[-1][0]
    torch.save(model.state_dict(), tmp_path / "state.pt")
    other = SSBroyden()
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for m in (model, other):
        step = m.solve(randn(5, seed=7), 0.3)
        m.update(step.s, 2 * step.s)
    assert torch.equal(model.H, other.H)
    empty = SSBroyden()
    empty.load_state_dict(SSBroyden().state_dict())
    assert empty.H is None and torch.equal(empty.mv(randn(3)), randn(3))


def test_symmetrise_and_reset():
    *_, (model, _, step, y, _) = walk(5, 6, 3)
    before = model.H.clone()
    model.symmetrise()
    assert torch.equal(model.H, model.H.T) and relative(model.H, before) < 1e-13
    model.H *= math.nan
    model.reset()
    scale = float(y @ step.s) / float(y @ y)
    assert torch.allclose(model.H, scale * torch.eye(5, dtype=torch.float64))


def test_the_product_carried_over_an_update_is_that_of_the_new_matrix():
    products = [(model.H.clone(), *model._product) for model, *_ in walk(7, 6, 11)]
    assert len(products) == 6
    for H, g, Hg in products:
        assert relative(Hg, H @ g) < 1e-12


def test_reset_on_least_squares_is_the_damped_gauss_newton_inverse():
    problem = build("poisson-1d")
    generator = torch.Generator().manual_seed(0)
    model = Model(problem, build_network((4,), 1, 1, generator, torch.float64))
    objective = LeastSquares(model, {t.name: t.sites(40, generator, "uniform") for t in problem.terms})
    evaluation = objective.evaluate()
    J = torch.cat(
        [evaluation.vjp(row).unsqueeze(0) for row in torch.eye(evaluation.rows, dtype=torch.float64)]
    )
    curvature = SSBroyden()
    curvature.solve(evaluation.gradient(), 1.0)
    curvature.prepare(evaluation)
    for damping in (1.0, 100.0, 1e4):  # each time in a row
        curvature.reset()
        mu = max(evaluation.value, 1e-14 * float((J * J).sum())) * damping
        expected = torch.linalg.inv(J.T @ J + mu * torch.eye(J.shape[1], dtype=torch.float64))
        assert relative(curvature.H, expected) < 1e-8


# -- pairs of other models, and branches (SAPTS) -------------------------------------------------------------


def bfgs(H: Tensor, s: Tensor, y: Tensor) -> Tensor:
    rho = 1 / float(y @ s)
    V = torch.eye(len(s), dtype=s.dtype) - rho * s.outer(y)
    return V @ H @ V.T + rho * s.outer(s)


def pairs_of(n: int, count: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Steps and changes of the gradient of a convex function, at random places."""
    A = randn(n, n, seed=seed)
    A = A @ A.T / n + 0.1 * torch.eye(n, dtype=torch.float64)
    gradient = lambda x: A @ x + torch.tanh(x) ** 3
    at = [randn(n, seed=100 * seed + i) for i in range(count + 1)]
    return [(s, gradient(x + s) - gradient(x)) for x, s in itertools.pairwise(at)]


def matrix(model: SSBroyden, n: int) -> Tensor:
    """What a model multiplies by, read off from its steps: for a large radius they are -H g."""
    columns = [-model.solve(e, math.inf).s for e in torch.eye(n, dtype=torch.float64)]
    return torch.stack(columns, 1)


@given(st.integers(2, 9), st.integers(0, 50), st.sampled_from([None, 0.1, 0.5, 1.0]))
def test_pairs_of_any_origin_are_learned(n, seed, factor):
    """Without a length as BFGS, with the right one as the formula, and with any other one consistently."""
    model, H = SSBroyden(), torch.eye(n, dtype=torch.float64)
    for s, y in pairs_of(n, 6, seed):
        length = None if factor is None else factor * float(s @ torch.linalg.solve(H, s)) ** 0.5
        assert model.learn(s, y, length)
        if factor is None:
            assert relative(model.H, bfgs(H, s, y)) < 1e-9
        elif factor == 1.0:
            assert relative(model.H, naive(H, s, y)) < 1e-7
        H = model.H.clone()
        size = float(torch.linalg.matrix_norm(H, 2))
        assert float((H @ y - s).norm()) <= 1e-13 * size * float(y.norm())  # secant
        assert float(torch.linalg.eigvalsh((H + H.T) / 2)[0]) > -1e-14 * size


@pytest.mark.parametrize("factor", [1.1, 2.0, 10.0])
def test_a_length_that_is_too_long_leaves_the_matrix_definite(factor):
    """As of another group's model: it may scale the inverse up, which the radius has to see to."""
    model, n = SSBroyden(), 8
    H = torch.eye(n, dtype=torch.float64)
    for s, y in pairs_of(n, 12, 0):
        model.learn(s, y, factor * float(s @ torch.linalg.solve(H, s)) ** 0.5)
        H = model.H.clone()
        values = torch.linalg.eigvalsh((H + H.T) / 2)
        assert 1e-3 < float(values[0]) and math.isfinite(float(values[-1]))


@pytest.mark.parametrize("length", [None, 1e-3, 1e3])
def test_foreign_pairs_without_curvature_are_skipped(length):
    model, (s, y) = SSBroyden(), pairs_of(4, 1, 0)[0]
    side = randn(4, seed=3)
    side -= side @ s / (s @ s) * s
    for bad in (-y, 0 * y, y * math.nan, y * math.inf, side + 1e-11 * s):
        assert not model.learn(s, bad, length)
        assert torch.equal(model.H, torch.eye(4, dtype=torch.float64))
    assert model.learn(s, y)


@given(st.integers(2, 8), st.integers(0, 30), st.booleans())
def test_a_branch_learns_beside_the_matrix_that_it_shares(n, seed, lengths):
    """It equals an independent copy that learned the same, and a dense H that was updated."""
    model, pairs = SSBroyden(), pairs_of(n, 7, seed)
    for s, y in pairs[:3]:
        model.learn(s, y)
    before = model.H.clone()
    copy = SSBroyden()
    copy.load_state_dict(model.state_dict())
    branches = [model.branch(), model.branch()]
    H = before.clone()
    for i, (s, y) in enumerate(pairs[3:]):
        length = (0.7 + i) * float(s.norm()) if lengths else None
        assert branches[0].learn(s, y, length) == copy.learn(s, y, length)
        H = H if lengths else bfgs(H, s, y)
        assert relative(matrix(branches[0], n), copy.H) < 1e-8
    assert lengths or relative(matrix(branches[0], n), H) < 1e-8
    assert relative(copy.H, before) > 1e-3  # there was something to learn
    # Neither the shared matrix nor the sibling has heard of it.
    assert torch.equal(model.H, before)
    assert torch.equal(matrix(branches[1], n), matrix(model, n))


def test_a_branch_updates_by_its_own_steps():
    """The steps of a trust region on a branch are those on a copy of the model."""
    *_, (model, *_rest) = walk(6, 5, 4)
    model._product = None
    before = model.H.clone()
    copy, branch = SSBroyden(), model.branch()
    copy.load_state_dict(model.state_dict())
    A = torch.diag(torch.arange(1.0, 7.0, dtype=torch.float64))
    x = randn(6, seed=5)
    for _ in range(8):
        g = A @ x + torch.tanh(x) ** 3
        a, b = branch.solve(g, 0.4), copy.solve(g, 0.4)
        assert relative(a.s, b.s) < 1e-8 and a.predicted == pytest.approx(b.predicted, rel=1e-8)
        assert a.on_boundary == b.on_boundary and a.length == pytest.approx(b.length, rel=1e-8)
        y = A @ (x + a.s) + torch.tanh(x + a.s) ** 3 - g
        assert branch.update(a.s, y) == copy.update(b.s, y)
        x = x + a.s
    assert torch.equal(model.H, before) and relative(copy.H, before) > 1e-3


def test_a_branch_of_a_model_without_a_matrix_makes_its_own():
    model, (s, y) = SSBroyden(), pairs_of(5, 1, 0)[0]
    branch = model.branch()
    assert branch.learn(s, y) and model.H is None
    assert relative(matrix(branch, 5), bfgs(torch.eye(5, dtype=torch.float64), s, y)) < 1e-12


def test_a_branch_is_neither_reset_nor_symmetrised():
    *_, (model, *_rest) = walk(5, 4, 3)
    before, branch = model.H.clone(), model.branch()
    branch.symmetrise()
    assert not branch.reset() and torch.equal(model.H, before)
    assert branch._matrix.base is model._matrix.base


def test_mv_of_a_branch_is_the_inverse_of_what_it_multiplies_by():
    model, pairs = SSBroyden(), pairs_of(5, 4, 1)
    for s, y in pairs[:2]:
        model.learn(s, y)
    branch = model.branch()
    for s, y in pairs[2:]:
        branch.learn(s, y)
    v = randn(5, seed=8)
    assert relative(branch.mv(matrix(branch, 5) @ v), v) < 1e-9


@pytest.mark.parametrize("name", ["lsr1", "identity", "gauss-newton"])
def test_branches_of_other_models_are_independent(name):
    problem = build("poisson-1d")
    generator = torch.Generator().manual_seed(0)
    network = build_network((4,), 1, 1, generator, torch.float64)
    objective = LeastSquares(
        Model(problem, network), {t.name: t.sites(40, generator, "uniform") for t in problem.terms}
    )
    model, look = CURVATURES[name](), objective.evaluate()
    n, g = look.size, look.gradient()
    pairs = pairs_of(n, 6, 1)
    model.prepare(look)
    for s, y in pairs[:3]:
        model.learn(s, y)
    v = randn(n, seed=3)
    before = model.mv(v), model.solve(g, 0.3).s
    branch, copy = model.branch(), CURVATURES[name]()
    copy.load_state_dict(model.state_dict())
    for one in (branch, copy):
        one.prepare(look)
    assert torch.equal(branch.mv(v), before[0])
    for s, y in pairs[3:]:
        assert branch.learn(s, y) == copy.learn(s, y) == (name == "lsr1")
    assert torch.equal(branch.mv(v), copy.mv(v)) and torch.equal(branch.solve(g, 0.3).s, copy.solve(g, 0.3).s)
    assert torch.equal(branch.mv(v), before[0]) == (name != "lsr1")
    assert torch.equal(model.mv(v), before[0]) and torch.equal(model.solve(g, 0.3).s, before[1])


def test_a_branch_does_not_multiply_again_what_the_model_has_just_multiplied(monkeypatch):
    model, g = SSBroyden(), randn(5)
    for s, y in pairs_of(5, 3, 1):
        assert model.learn(s, y)
    expected, count, times = model.solve(g, 0.3), itertools.count(), Deferred.times
    monkeypatch.setattr(Deferred, "times", lambda self, *args: next(count) < 0 or times(self, *args))
    branch = model.branch()
    step = branch.solve(g, 0.3)
    assert next(count) == 0 and torch.equal(step.s, expected.s) and step.predicted == expected.predicted
    branch.solve(-g, 0.3)
    assert next(count) == 2


def test_of_no_pairs_nothing_is_learned():
    model = SSBroyden()
    assert model.learn_all([]) == 0 and model.H is None
