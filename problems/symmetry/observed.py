"""Mirror images of observed values."""

from __future__ import annotations

import numpy as np
import torch

from ...geometry import Domain
from ..conditions.base import Condition
from .requirements import TOLERANCE


def is_mirrored(condition: Condition, domain: Domain, axis: int, about: float, sign: int) -> bool:
    """Test whether a reflection maps the observed values of an unknown onto themselves.

    Args:
        condition: The observations.
        domain: The domain.
        axis: Position of the reflected coordinate.
        about: The fixed point, in the coordinate's unit.
        sign: 1 if the unknown is even, -1 if it is odd.
    """
    sites = condition.sites(domain, 1, torch.Generator(), "uniform")
    assert sites.values is not None
    if sites.values.ndim > 1:  # every value with a noise of its own
        return False
    image = sites.points.clone()
    image[:, axis] = 2 * about - image[:, axis]
    extent = domain.bounds[1] - domain.bounds[0]
    rows = []
    for points, values in ((sites.points, sites.values), (image, sign * sites.values)):
        keys = ((points - domain.bounds[0]) / extent * 1e8).round()
        order = np.lexsort(torch.cat([values[:, None], keys], 1).T.numpy())
        rows.append((keys[order], values[order]))
    (places, values), (images, mirrored) = rows
    close = (values - mirrored).abs().max() <= TOLERANCE * values.abs().max()
    return torch.equal(places, images) and bool(close)
