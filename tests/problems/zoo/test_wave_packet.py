"""The wave packet: the exact solution satisfies equation and conditions."""

import torch

from known_solutions import fields_of
from sapts_pinn.problems.zoo.wave_packet import packet, wave_packet


def test_equation_and_conditions():
    problem = wave_packet()
    known = {
        "h_re": lambda p: packet(p[:, 0], p[:, 1]).real,
        "h_im": lambda p: packet(p[:, 0], p[:, 1]).imag,
    }
    points = problem.domain.interior(100, torch.Generator().manual_seed(0))
    for row in problem.evaluate(fields_of(problem, known, points), points, {}):
        assert row.abs().max() < 1e-10
    assert len(problem.ansatz.exact) == len(problem.conditions) == 4
