"""Networks that know more than `forward`: their own Taylor rule, one stage, no kernel unless they say so."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from draws import randn
from sapts_pinn.derivatives.taylor import Channels, by_nested_jvp, find_rule, propagate
from sapts_pinn.kernels import NotCompiled
from sapts_pinn.networks.base import Network
from sapts_pinn.networks.layout import layout_of


class Scaled(Network):
    """An affine layer times a trained number, with a rule that counts its uses."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.factor, self.uses = (
            nn.Linear(2, 3).double(),
            nn.Parameter(torch.ones(()).double()),
            0,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * torch.sin(self.layer(x))

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        self.uses += 1
        return by_nested_jvp(self.forward, jet, channels)


class Inherited(Scaled):
    """Computes the same, with the rule of its parent."""


class Doubled(Scaled):
    """Has a `forward` of its own, to which the inherited rule does not apply."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


@pytest.mark.parametrize(("kind", "ruled"), [(Scaled, True), (Inherited, True), (Doubled, False)])
def test_a_rule_holds_for_the_forward_it_was_written_for(kind: type[Scaled], ruled: bool) -> None:
    network, channels = kind(), Channels([(0, 1), (1, 1)])
    assert (find_rule(network) is not None) == ruled
    jet = randn(len(channels), 4, 2)
    found = propagate(network, jet, channels)
    assert network.uses == int(ruled)
    exact = by_nested_jvp(lambda x: network(x), jet, channels)
    assert torch.allclose(found, exact, rtol=1e-13, atol=1e-14)


def test_a_network_is_one_stage_that_no_kernel_knows() -> None:
    network = Scaled()
    assert list(network.stages()) == [network]
    for told in (network.layout, lambda: layout_of(network)):
        with pytest.raises(NotCompiled, match=r"^the kernel does not know Scaled$"):
            told()


def test_a_network_has_to_say_how_jets_go_through_it() -> None:
    class Silent(Network):
        def forward(self, x: Any) -> Any:
            return x

    with pytest.raises(TypeError, match=r"abstract.*taylor"):
        Silent()  # type: ignore[abstract]
