"""The spectrum of the Gauss-Newton matrix."""

import numpy as np
import pytest
import torch

from pictured import line, untrained
from sapts_pinn.errors import InputError
from sapts_pinn.problems.zoo import build
from sapts_pinn.results import spectrum
from sapts_pinn.results.spectrum import gauss_newton_spectrum


def test_the_trace_is_the_sum_of_squares_of_the_jacobian():
    solution = untrained(line())
    (values,) = gauss_newton_spectrum(solution).values()
    n = sum(p.numel() for p in solution.model.parameters())
    assert len(values) == n and (np.diff(values) <= 0).all() and (values >= 0).all()
    # By differences: the loss of the same points with one parameter moved.
    term = solution.problem.terms[0]
    points = term.sites(spectrum.ROWS * n + 1, torch.Generator().manual_seed(0), "sobol").points
    scale = np.sqrt(len(points)) * float(term.row_units)
    total = 0.0
    for parameter in solution.model.parameters():
        flat = parameter.data.view(-1)
        for i in range(len(flat)):
            moved = []
            for step in (1e-5, -2e-5, 1e-5):
                flat[i] += step
                moved.append(solution.residual({"x": points[:, 0]}).numpy())
            total += float((((moved[0] - moved[1]) / 2e-5 / scale) ** 2).sum())
    assert values.sum() == pytest.approx(total, rel=1e-5)


def test_a_network_too_large_for_its_jacobian_is_refused(monkeypatch):
    monkeypatch.setattr(spectrum, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"the spectrum of 45 parameters|use a smaller network"):
        gauss_newton_spectrum(untrained(build("poisson-1d")))
