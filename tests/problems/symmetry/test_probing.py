"""Residuals probed with independent values of all that they read."""

import pytest
import torch

from sapts_pinn.problems import Sites
from sapts_pinn.problems.symmetry import probing
from sapts_pinn.problems.symmetry.probing import ABOVE, evaluate, probes_of

X = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
CHANNELS = (("u", ()), ("u", (0,)), ("v", ()))


def local(fields, sites):
    """Two rows: (x u + u_x^2, u v - 7)."""
    u, v = fields["u"], fields["v"]
    return sites.points[:, 0] * u + u.x**2, u * v - 7


@pytest.mark.parametrize("at_once", [10**6, 7])
def test_every_probe_is_evaluated_at_every_place(monkeypatch, at_once):
    monkeypatch.setattr(probing, "ROWS_AT_ONCE", at_once)
    probes = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = evaluate(local, ("x",), CHANNELS, probes, Sites(X))
    assert found.shape == (4, 2, 5)
    for p, (u, u_x, v) in enumerate(probes.tolist()):
        torch.testing.assert_close(found[p, 0], X[:, 0] * u + u_x**2)
        torch.testing.assert_close(found[p, 1], torch.full((5,), u * v - 7).double())


def test_the_sides_of_a_fold_get_values_of_their_own():
    def ratio(fields, sites):
        first, second = fields["u"].value.reshape(2, -1)
        return (second / first,)

    three = torch.tensor([[3.0]], dtype=torch.float64)
    found = evaluate(ratio, ("x",), (("u", ()),), three, Sites(torch.cat([X, X]), fold=2))
    assert found.unique().tolist() == [1.25]


@pytest.mark.parametrize("load", [1e-12, 1.0, 1e12])
def test_probes_stand_at_the_scale_where_terms_and_data_balance(load):
    """u'' = load: the channel above the data has a term at least 1e4 times as large, whatever the units."""
    beam = lambda fields, sites: (2e3 * fields["u"].xx - load * (1 + sites.points[:, 0]),)
    generator = torch.Generator().manual_seed(0)
    probes = probes_of(beam, ("x",), {"u": [(0, 0)]}, torch.tensor([1.0]).double(), Sites(X), generator)
    assert probes.channels == (("u", (0, 0)),) and probes.broad.shape[1] == 1
    assert float(probes.broad[0].abs()) == 0, "the data alone"
    term = 2e3 * probes.broad[1].abs() / load
    assert ABOVE <= float(term) < 1e3 * ABOVE
    balanced = 2e3 * probes.broad[-1].abs() / load
    assert 1e-2 < float(balanced) < 1e4
