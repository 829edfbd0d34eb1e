"""Examination of a gradient: whether the loss of one and the same mini-batch falls against it.

Sweeps that fail one after the other may be too long, or follow a gradient that is not the loss's.  With
d = g / |g| and a length h the slope along d is measured and compared with what the gradient says,

    q(h) = ( f(theta + h d) - f(theta - h d) ) / (2 h |g|),

which tends to 1 as h tends to 0; curvature cancels.  Lengths fall from a share of |theta| by quarters for as
long as 2 h |g| can be told from rounding.  If no q reaches `LEAST`, the gradient is wrong: with its sign
reversed q is -1, and a direction that has nothing to do with the loss gives about 0.  Where no length can be
told from rounding nothing is known, and the gradient passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...objectives.base import Objective, drawing
from ...objectives.flat import gather, scatter_
from ...parallel.communicator import Communicator

LONGEST = 0.01  # of the parameters' norm, the first length
LENGTHS = 12  # tried at most
LEAST = 0.1  # of the slope that the gradient says, in a right one
RESOLVED = 1e3  # roundings of the loss, that a difference must be to tell anything


def is_wrong(objective: Objective, parameters: Sequence[Tensor], ranks: Communicator, sharded: bool) -> bool:
    """Say whether a gradient is wrong, alike on all ranks; the parameters stay, buffers may change.

    Every look draws from the same seed.

    Args:
        objective: A function of the parameters, such as the loss of a mini-batch.
        parameters: The tensors trained.
        ranks: The ranks.
        sharded: Whether each of them has some of the parameters, and they evaluate together.
    """
    theta = gather(parameters)
    with drawing(0, (p.device for p in parameters)):
        value, g = objective.value_and_grad()
    numbers = torch.stack([g.dot(g), theta.dot(theta)]).double()
    steep, size = (ranks.all_reduce(numbers) if sharded else numbers).sqrt().tolist()
    rounding = RESOLVED * torch.finfo(theta.dtype).eps * abs(value)
    length, found = LONGEST * size, list[float]()
    if not (math.isfinite(steep) and math.isfinite(value)):
        return False  # nothing can be told
    for _ in range(LENGTHS):
        if 2.0 * length * steep <= rounding:
            break
        found.append(_ratio(objective, parameters, theta, g / steep, length) / steep)
        if found[-1] >= LEAST:
            break
        length /= 4.0
    scatter_(parameters, theta)
    wrong = theta.new_tensor(bool(found) and not any(q >= LEAST for q in found), dtype=torch.float64)
    return bool(ranks.broadcast(wrong)) if not sharded else bool(wrong)


def _ratio(
    objective: Objective, parameters: Sequence[Tensor], theta: Tensor, direction: Tensor, length: float
) -> float:
    """The slope along a direction, by central differences."""
    ends = []
    for sign in (1.0, -1.0):
        scatter_(parameters, theta + sign * length * direction)
        with drawing(0, (p.device for p in parameters)):
            ends.append(objective.value())
    return (ends[0] - ends[1]) / (2.0 * length)
