"""Limited-memory BFGS against the dense recursion."""

import io
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from draws import randn
from sapts_pinn.optim.curvature import LBFGS
from sapts_pinn.optim.subproblem.step import InnerProducts


def pairs_of(n, count, seed):
    """Pairs of a random convex quadratic."""
    A = randn(n, n, seed=seed)
    A = A @ A.T + 0.1 * torch.eye(n, dtype=torch.float64)
    return [(s, A @ s) for s in randn(count, n, seed=seed + 1)]


def dense(pairs, n):
    """The textbook recursion (Nocedal & Wright 2006, 6.17) from the scaled identity."""
    identity = torch.eye(n, dtype=torch.float64)
    s, y = pairs[-1]
    H = float(s @ y) / float(y @ y) * identity
    for s, y in pairs:
        rho = 1.0 / float(s @ y)
        V = identity - rho * torch.outer(y, s)
        H = V.T @ H @ V + rho * torch.outer(s, s)
    return H


def learned(pairs, memory=5, dot=None):
    model = LBFGS(memory, dot)
    for s, y in pairs:
        assert model.update(s, y)
    return model


class Sharded(InnerProducts):
    """Two shards after one another."""

    def __init__(self):
        self.rounds = 0

    def gram(self, rows, others):
        self.rounds += 1
        k = rows.shape[1] // 2
        return (rows[:, :k] @ others[:, :k].T + rows[:, k:] @ others[:, k:].T).to(torch.float64)


@given(st.integers(1, 8), st.integers(1, 14), st.integers(1, 6), st.integers(0, 40))
def test_it_is_the_dense_recursion_on_the_last_pairs(n, count, memory, seed):
    pairs = pairs_of(n, count, seed)
    model, H, g = learned(pairs, memory), dense(pairs[-memory:], n), randn(n, seed=seed + 2)
    step = model.solve(g, math.inf)
    assert float((step.s + H @ g).norm()) <= 1e-8 * float((H @ g).norm())
    assert step.predicted == pytest.approx(0.5 * float(g @ H @ g), rel=1e-8)
    assert step.length == pytest.approx(math.sqrt(float(g @ H @ g)), rel=1e-8) and not step.on_boundary
    short = model.solve(g, 0.3 * step.length)
    assert short.on_boundary and torch.allclose(short.s, 0.3 * step.s, rtol=1e-12)
    assert short.predicted == pytest.approx((0.3 - 0.045) * step.length**2, rel=1e-10)
    s, y = pairs[-1]
    assert float((model.mv(s) - y).norm()) <= 1e-6 * float(y.norm())  # secant


def test_before_the_first_pair_steps_have_length_one_and_go_down():
    g = randn(4)
    step = LBFGS().solve(g, 10.0)
    assert torch.allclose(step.s, -g / g.norm()) and step.predicted == pytest.approx(0.5 * float(g.norm()))
    zero = LBFGS().solve(0 * g, 1.0)
    assert not zero.s.any() and zero.predicted == 0.0


@pytest.mark.parametrize("count", [0, 3, 9])
def test_what_is_no_number_promises_nothing(count):
    model = learned(pairs_of(4, count, 0))
    for bad in (math.nan, math.inf):
        step = model.solve(randn(4) * bad, 1.0)
        assert not step.predicted > 0


def test_pairs_without_curvature_are_skipped():
    model, (s, y) = learned(pairs_of(4, 3, 0)), pairs_of(4, 1, 5)[0]
    before = model.solve(randn(4), 0.5).s
    side = randn(4, seed=3)
    side -= side @ s / (s @ s) * s
    for bad in (-y, 0 * y, y * math.nan, y * math.inf, side + 1e-12 * s):
        assert not model.update(s, bad)
        assert torch.equal(model.solve(randn(4), 0.5).s, before)
    assert model.update(s, y) and not torch.equal(model.solve(randn(4), 0.5).s, before)


def test_shards_take_one_round_for_a_step_and_one_for_a_pair():
    pairs, shards = pairs_of(6, 8, 1), Sharded()
    model, whole = learned(pairs, dot=shards), learned(pairs)
    assert shards.rounds == 8
    g = randn(6, seed=4)
    step, other = model.solve(g, 0.7), whole.solve(g, 0.7)
    assert shards.rounds == 9
    assert torch.allclose(step.s, other.s, rtol=1e-10) and step.predicted == pytest.approx(other.predicted)


@pytest.mark.parametrize("count", [0, 3, 5, 8])
def test_branches_and_saved_models_go_on_by_themselves_bit_for_bit(count):
    pairs = pairs_of(5, count + 4, 2)
    model = learned(pairs[:count])
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    again, branch, still = LBFGS(5), model.branch(), model.branch()
    again.load_state_dict(torch.load(file, weights_only=True))
    g = randn(5, seed=9)
    before = model.solve(g, 0.4).s
    for s, y in pairs[count:]:
        assert branch.learn(s, y, 1.0) and again.update(s, y)
    assert torch.equal(branch.solve(g, 0.4).s, again.solve(g, 0.4).s)
    assert torch.equal(model.solve(g, 0.4).s, before) and torch.equal(still.solve(g, 0.4).s, before)
    assert not torch.allclose(again.solve(g, 0.4).s, before)


def test_it_forgets_and_refuses_in_a_sentence():
    model = learned(pairs_of(4, 3, 0))
    assert not model.reset() and torch.equal(model.solve(randn(4), 5.0).s, LBFGS().solve(randn(4), 5.0).s)
    with pytest.raises(ValueError, match="at least one pair, not 0"):
        LBFGS(0)
    with pytest.raises(ValueError, match="memory of 5 pairs, not of 7"):
        LBFGS(7).load_state_dict(model.state_dict())
