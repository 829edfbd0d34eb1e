"""Sites of a term, and those of some of its residuals."""

import torch

from sapts_pinn.problems.conditions.sites import Sites


def test_points_of_one_residual_stay_together():
    sites = Sites(torch.arange(6.0)[:, None], values=torch.arange(6.0), fold=3)  # residuals 0 and 1
    assert sites.first[:, 0].tolist() == [0, 1]
    assert sites.places(torch.tensor([1])).tolist() == [1, 3, 5]
    some = sites.of(torch.tensor([1]))
    assert some.points[:, 0].tolist() == [1, 3, 5] and some.values.tolist() == [1, 3, 5]
    assert some.fold == 3 and some.normals is None
