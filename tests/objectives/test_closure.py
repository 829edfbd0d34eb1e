"""Objectives from closures, as the optimizers of PyTorch take them."""

import pytest
import torch
from torch import Tensor, nn

from closures import PLAIN, classification, classifier, closure_of, training_closure
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.optim import TrustRegion


@pytest.mark.parametrize("curvature", PLAIN)
def test_classifier_with_a_plain_closure(curvature):
    x, y = classification()
    net = classifier()
    optimizer = TrustRegion(net.parameters(), curvature)
    closure = training_closure(net, x, y)
    first = float(closure().detach())
    for _ in range(80):
        loss = optimizer.step(closure)
    assert loss.dtype == torch.float32 and float(loss) == float(closure().detach()) < 0.6 * first


def test_the_closure_of_every_step_counts():
    """A closure may stand for another batch in the next step: nothing is reused."""
    x = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    target = torch.zeros(1, dtype=torch.float64)
    closure = closure_of(lambda x: ((x - target) ** 2).sum(), x)
    optimizer = TrustRegion([x], "identity")
    assert float(optimizer.step(closure)) == 0.0
    target += 3.0
    assert float(optimizer.step(closure)) < 9.0 and optimizer.info["accepted"]


# -- memory, counters, closures ------------------------------------------------------------------------------


def test_closure_objective():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()
    extra = nn.Parameter(torch.ones(2, dtype=torch.float64))  # the loss does not depend on it
    table = nn.Embedding(5, 3, sparse=True).double()
    parameters = [*net.parameters(), extra, *table.parameters()]

    def closure() -> Tensor:
        for p in parameters:
            p.grad = None
        loss = net(table(torch.tensor([0, 1, 1, 3]))).square().mean()
        loss.backward()
        return loss

    objective = ClosureObjective(closure, iter(parameters), net)
    with torch.no_grad():
        value, gradient = objective.value_and_grad()
    assert value == float(closure().detach())
    assert gradient.shape == (sum(p.numel() for p in parameters),)
    assert not gradient[-17:-15].any() and gradient[-15:].any()
    assert [b.data_ptr() for b in objective.buffers()] == [b.data_ptr() for b in net.buffers()]
    assert ClosureObjective(closure, parameters).buffers() == []
    assert (objective.counters.functions, objective.counters.gradients) == (1, 1)
