"""A pipeline over real processes: what one process computes, with what they hold and send counted."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim.curvature import LSR1
from sapts_pinn.optim.trust_region import TrustRegion
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.pipeline.build import build_partly
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, merge
from sapts_pinn.problems import build

HIDDEN = (128,) * 5  # four matrices of 128 x 128, which two ranks can share evenly
POINTS = 50
STEPS = 10
HERE = torch.tensor([[0.3, 0.4], [-0.7, 0.9]], dtype=torch.float64)


def objective(communicator: Communicator, parts: int, hidden: tuple[int, ...]) -> PipelineObjective:
    problem = build("burgers")
    generator = torch.Generator().manual_seed(2)
    features = len(problem.ansatz.feature_names)
    network = build_partly(
        hidden, features, 1, generator, torch.float64, parts=parts, communicator=communicator
    )
    sites = {t.name: t.sites(POINTS, generator, "uniform") for t in problem.terms}
    return PipelineObjective.of_problem(ModelStageChain(problem, network, parts, communicator), sites)


# -- what a rank does ------------------------------------------------------------------------------------


def train() -> dict[str, Any]:
    """Values, gradients, local gradients, and a few steps of a method that needs inner products."""
    communicator = connect()
    pipeline = objective(communicator, 3, (9, 8, 7))
    evaluation = pipeline.evaluate()
    gradient = evaluation.gradient()
    local = torch.cat([pipeline.local(s).evaluate().gradient() for s in pipeline.chain.owned])
    curvature = LSR1(memory=3, dot=communicator.dot)
    optimizer = TrustRegion(pipeline.parameters, curvature, radius=0.1)
    history = []
    for _ in range(STEPS):
        loss = float(optimizer.step(pipeline))
        history.append((loss, optimizer.info["accepted"], optimizer.info["radius"]))
    return {
        "value": evaluation.value,
        "gradient": gradient,
        "local": local,
        "history": history,
        "unknowns": pipeline.predict(HERE),
        "state": pipeline.chain.state_dict(),
    }


def count() -> dict[str, Any]:
    """Bytes held and sent."""
    communicator = connect()
    pipeline = objective(communicator, 2, HIDDEN)
    built = live()
    start = replace(communicator.traffic)
    evaluation = pipeline.evaluate()
    forward = communicator.traffic.bytes - start.bytes
    gradient = evaluation.gradient()
    pipeline.parameters[0].data += 1e-3
    pipeline.evaluate()
    return {
        "built": built,
        "trained": live(),
        "own": 8 * gradient.numel(),
        "memory": pipeline.chain.memory(),
        "forward": forward,
        "both": communicator.traffic.bytes - start.bytes,
        "messages": communicator.traffic.messages - start.messages,
        "terms": len(evaluation.terms),
        "channels": [len(micro_batch.channels or ()) for micro_batch in pipeline.micro_batches],
        "points": [micro_batch.inputs.shape[1] for micro_batch in pipeline.micro_batches],
    }


def live() -> tuple[int, int]:
    """Bytes of all parameters that this process holds, and of its largest tensor."""
    gc.collect()
    tensors = [t for t in gc.get_objects() if issubclass(type(t), Tensor) and t.device.type != "meta"]
    stores = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
        for t in tensors
        if isinstance(t, torch.nn.Parameter)
    }
    return sum(stores.values()), max(t.untyped_storage().nbytes() for t in tensors)


# -- tests -----------------------------------------------------------------------------------------------


def test_ranks_train_as_one_process_does(run_ranks: Callable[..., list[Any]]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as on the ranks
    alone = train()
    torch.set_num_threads(threads)
    ranks = run_ranks(train, 3)
    assert {r["value"] for r in ranks} == {alone["value"]}
    assert torch.equal(torch.cat([r["gradient"] for r in ranks]), alone["gradient"])
    assert torch.equal(torch.cat([r["local"] for r in ranks]), alone["local"])
    for r in ranks:
        assert r["history"] == ranks[0]["history"]
        for mine, its in zip(alone["history"], r["history"], strict=True):
            assert its == pytest.approx(mine, rel=1e-12)
        assert torch.allclose(r["unknowns"], alone["unknowns"], rtol=1e-12, atol=1e-12)
    assert {accepted for _, accepted, _ in alone["history"]} == {True, False}
    state = merge(r["state"] for r in ranks)
    assert state.keys() == alone["state"].keys()
    for name, tensor in alone["state"].items():
        assert torch.allclose(state[name], tensor, rtol=1e-12, atol=1e-12), name
    # The shards become an ordinary model, which says what the ranks said.
    problem = build("burgers")
    features = len(problem.ansatz.feature_names)
    network = build_network((9, 8, 7), features, 1, torch.Generator(), torch.float64)
    model = Model(problem, network)
    before = gather([*model.parameters()])
    model.load_state_dict(state)
    assert not torch.equal(gather([*model.parameters()]), before)
    assert torch.allclose(model(HERE).detach(), ranks[0]["unknowns"], rtol=1e-12, atol=1e-12)


def test_a_rank_holds_its_stages_and_sends_activations_only(run_ranks: Callable[..., list[Any]]) -> None:
    low, high = run_ranks(count, 2)
    whole = low["memory"][1]
    assert low["own"] + high["own"] == whole == high["memory"][1]
    for rank in (low, high):
        assert rank["memory"][0] == rank["own"] <= 0.6 * whole
        for parameters, largest in (rank["built"], rank["trained"]):
            assert parameters == rank["own"]
            assert largest <= 0.6 * whole  # nor the vector of all parameters, under whatever name
    jets = sum(
        channels * points * 128 * 8 for channels, points in zip(low["channels"], low["points"], strict=True)
    )
    # Two passes forward by the first rank, one back by the second, which also tells the values.
    told, norms = 8 * low["terms"], 8 * sum(low["points"])  # of the residuals, one a point
    assert low["forward"] == jets and low["both"] == 2 * jets
    assert high["forward"] == told and high["both"] == jets + norms + 2 * told
    assert low["messages"] == high["messages"] == 4 * len(low["channels"])
