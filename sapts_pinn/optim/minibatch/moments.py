"""Trust-region Adam: the local solver for objectives that change from one mini-batch to the next.

With the running moments m and v of the gradients and u = m^ / (sqrt(v^) + eps), bias-corrected as usual,

    s = -radius u,

the minimiser of m^.s + |s|_D^2 / (2 radius), D = diag(sqrt(v^) + eps): as |u| is about 1 at most, no
parameter moves much farther than the radius.  What Adam calls its learning rate is a radius, and who measures
what a sweep of such steps has done to the loss can choose it (`minibatch.py`).

Sources: Kingma & Ba, arXiv:1412.6980; as a local solver of SAPTS_IP: the thesis, ark:/12658/srd1335040.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

BETAS = (0.9, 0.999)
EPS = 1e-8


@dataclass
class Moments:
    """Running moments of the gradients.

    Attributes:
        m: Their running mean, [n].
        v: That of their squares, [n].
        count: How many there were.
    """

    m: Tensor
    v: Tensor
    count: int = 0

    @classmethod
    def like(cls, theta: Tensor) -> Moments:
        """Return the moments of no gradient, zeros [n]."""
        return cls(torch.zeros_like(theta), torch.zeros_like(theta))

    def clone(self) -> Moments:
        """A copy."""
        return Moments(self.m.clone(), self.v.clone(), self.count)

    def take(self, indices: Tensor) -> Moments:
        """Return a copy of the moments of some parameters."""
        return Moments(self.m[indices], self.v[indices], self.count)

    def step(self, g: Tensor, radius: float) -> Tensor:
        """Learn a gradient [n], and say where to go, [n]."""
        (b1, b2), self.count = BETAS, self.count + 1
        self.m.lerp_(g, 1.0 - b1)
        self.v.mul_(b2).addcmul_(g, g, value=1.0 - b2)
        spread = (self.v / (1.0 - b2**self.count)).sqrt_().add_(EPS)
        return spread.reciprocal_().mul_(self.m).mul_(-radius / (1.0 - b1**self.count))

    def state_dict(self) -> StateDict:
        """Return both moments and the count."""
        return {"m": self.m, "v": self.v, "count": self.count}

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self.m, self.v, self.count = state["m"].clone(), state["v"].clone(), state["count"]
