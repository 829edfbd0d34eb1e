"""Kirsch's plate: the exact solution, and the stress at the hole."""

import torch

from known_solutions import check_exact, fields_of
from sapts_pinn.problems import build
from sapts_pinn.problems.zoo import kirsch

# The exact solution, written with torch.
FUNCTIONS = {
    name: lambda p, i=i: kirsch.displacements(p[:, 0], p[:, 1], torch)[i] for i, name in enumerate("uv")
}


def test_the_exact_solution():
    check_exact(build("kirsch"), FUNCTIONS)


def test_kirsch_trebles_the_stress():
    top = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    u, v = fields_of(build("kirsch"), FUNCTIONS, top).values()
    s_xx, s_yy, _ = kirsch.stress(u, v)
    torch.testing.assert_close(s_xx[0], torch.tensor(3.0, dtype=torch.float64))
    torch.testing.assert_close(s_yy[1], torch.tensor(-1.0, dtype=torch.float64))
    # At the hole one stress alone is left, the one along it.
    expected = torch.tensor([3.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(kirsch.von_mises(u, v), expected)
    assert build("kirsch").derived == {"von Mises stress": kirsch.von_mises}
