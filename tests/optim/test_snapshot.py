"""Snapshots: dropout draws the same units at both ends of a step, running means are put back."""

import pytest
import torch
from torch import nn

from closures import PLAIN, classification, classifier, training_closure
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.optim import TrustRegion
from sapts_pinn.optim.snapshot import placed


@pytest.mark.parametrize("curvature", PLAIN)
def test_minibatches_with_dropout_and_batch_norm(curvature):
    x, y = classification()
    net = classifier(norm=True, dropout=0.2).train()
    torch.manual_seed(0)
    optimizer = TrustRegion(net.parameters(), curvature)
    first = float(nn.functional.cross_entropy(net(x), y).detach())
    generator = torch.Generator().manual_seed(1)
    rejected = 0
    for _ in range(150):
        batch = torch.randperm(len(x), generator=generator)[:60]
        objective = ClosureObjective(training_closure(net, x[batch], y[batch]), net.parameters(), net)
        before = {k: v.clone() for k, v in net.state_dict().items()}
        random = torch.get_rng_state()
        optimizer.step(objective)
        if not optimizer.info["accepted"]:
            rejected += 1
            assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
            assert torch.equal(random, torch.get_rng_state())
        else:  # one look at the batch counts, not both
            assert int(net[1].num_batches_tracked) == int(before["1.num_batches_tracked"]) + 1
    assert rejected
    assert float(nn.functional.cross_entropy(net.eval()(x), y).detach()) < 0.8 * first


def test_dropout_draws_the_same_units_at_both_ends_of_a_step():
    """Otherwise the change of the mask would drown the change of the parameters."""
    x, y = classification()
    net = classifier(dropout=0.5).train()
    optimizer = TrustRegion(net.parameters(), "identity", radius=1e-3)
    closure = training_closure(net, x, y)
    for _ in range(6):
        optimizer.step(closure)
        assert optimizer.info["accepted"] and 0.5 < optimizer.info["rho"] < 1.5


def test_a_saved_state_is_placed_on_a_device():
    state = {"H": torch.ones(2), "pairs": [(torch.ones(3), 1.0)], 4: {"none": None, "name": "lbfgs"}}
    there = placed(state, torch.device("meta"))
    assert there["H"].is_meta and there["pairs"][0][0].is_meta and there["pairs"][0][1] == 1.0
    assert isinstance(there["pairs"][0], tuple) and there[4] == {"none": None, "name": "lbfgs"}
    assert state["H"].device.type == "cpu"
