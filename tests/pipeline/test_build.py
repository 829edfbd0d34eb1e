"""Networks of which every rank builds its own stages."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from divided import NETWORKS
from draws import rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.pipeline.build import build_partly
from sapts_pinn.pipeline.stages import StageChain, merge
from thread_ranks import on_ranks


@pytest.mark.parametrize("kind", NETWORKS)
def test_ranks_start_with_what_one_process_gets(kind: str) -> None:
    generator = rng(4)
    whole = build_network(NETWORKS[kind], 2, 1, generator, torch.float64)

    def work(communicator: Communicator) -> Any:
        own = rng(4)
        network = build_partly(NETWORKS[kind], 2, 1, own, torch.float64, parts=4, communicator=communicator)
        assert torch.equal(own.get_state(), generator.get_state())
        return StageChain(network, 4, communicator).state_dict()

    shards = on_ranks(2, work)
    state = merge(shards)
    assert state.keys() == whole.state_dict().keys() and all(len(shard) < len(state) for shard in shards)
    assert all(torch.equal(state[name], t) for name, t in whole.state_dict().items())


def test_at_most_one_foreign_layer_is_held_while_building(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is allocated that is larger than a layer, beside the rank's own."""
    sizes: list[int] = []
    draw = torch.randn

    def watched(*args: Any, **kwargs: Any) -> Tensor:
        out = draw(*args, **kwargs)
        sizes.append(out.numel())
        return out

    monkeypatch.setattr(torch, "randn", watched)

    def work(communicator: Communicator) -> Any:
        network = build_partly((32,) * 5, 2, 1, rng(), torch.float64, parts=3, communicator=communicator)
        return sum(p.numel() for p in network.parameters() if p.device.type != "meta")

    held = on_ranks(3, work)
    assert max(sizes) == 32 * 32
    assert sum(held) == sum(p.numel() for p in MLP((2, *(32,) * 5, 1)).parameters())
