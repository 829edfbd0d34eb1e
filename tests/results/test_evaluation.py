"""Values and derivatives with a graph are those of Taylor propagation, for every kind of a solution."""

import pytest
import torch

from asked_solutions import MODELS, points_of, solution
from sapts_pinn.results.evaluation import derivative_at


@pytest.mark.parametrize("name", MODELS)
def test_both_ways_agree(name):
    model = MODELS[name]()
    points = points_of(model, 9)
    last = points.shape[1] - 1
    relative = 1e-4 if name == "single precision" else 1e-9
    for index in ((), (0,), (last,), (0, 0), (0, last)):
        plain = derivative_at(model, points, index)
        graph = derivative_at(model, points.clone().requires_grad_(), index)
        for unknown, expected in plain.items():
            scale = float(expected.abs().max())
            assert graph[unknown].dtype == torch.float64 and not expected.requires_grad
            torch.testing.assert_close(graph[unknown].detach(), expected, rtol=0, atol=relative * scale)


def test_gradients_reach_the_points_and_stay_out_of_the_model():
    model = MODELS["windows"]()
    points = points_of(model, 9).requires_grad_()
    values = derivative_at(model, points, (0,))["u"]
    (slopes,) = torch.autograd.grad(values.sum(), points)
    assert torch.allclose(slopes[:, 1], derivative_at(model, points.detach(), (0, 1))["u"], rtol=1e-10)
    derivative_at(model, points, ())["u"].sum().backward()
    assert points.grad is not None and all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("name", ["symmetric", "windows", "system"])
def test_predict_is_differentiable(name):
    asked = solution(name)
    points = points_of(asked.model, 5)
    x, t = (c.clone().requires_grad_() for c in points.unbind(1))
    one = lambda found: found["u"] if isinstance(found, dict) else found
    value = one(asked.predict(x=x, t=t))
    first, rate = torch.autograd.grad(value.sum(), (x, t), create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    for found, which in ((value, ""), (first, "x"), (rate, "t"), (second, "xx")):
        expected = one(asked.derivative(points, which))
        assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max())), which
    flux = asked.evaluate(lambda u: u * u.x, x=x, t=t)
    assert torch.allclose(flux, value * first) and flux.requires_grad
    assert not asked.residual(x=x, t=t)[0].requires_grad
    with torch.no_grad():
        assert not one(asked.predict(x=x, t=t)).requires_grad
