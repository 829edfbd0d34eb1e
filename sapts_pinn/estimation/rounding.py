"""Error of a model by the rounding of its own evaluation, below which no estimate can say anything."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

DRAWS = 4  # of signs
LEAST = 5e-15  # relative, with the rounding of derivatives in the equation; measured on smooth problems


@torch.no_grad()
def rounding(model: nn.Module, points: Tensor, generator: Generator) -> Tensor:
    """Change of the values by parameters that differ by one unit of rounding, up or down at random.

    Sums of large terms that cancel, as in the outer layer of random features, show by it.

    Args:
        model: The model, in double precision.
        points: Where, [N, dim].
        generator: Of the signs.

    Returns:
        The change, [N, m], not less than `LEAST` of the values.
    """
    values: Tensor = model(points)
    unit, most = torch.finfo(values.dtype).eps, LEAST * values.abs()
    for _ in range(DRAWS):
        changed = {}
        for name, parameter in model.named_parameters():
            signs = torch.randint(0, 2, parameter.shape, generator=generator).to(parameter) * 2 - 1
            changed[name] = parameter * (1 + unit * signs)
        most = torch.maximum(most, (functional_call(model, changed, (points,)) - values).abs())
    return most
