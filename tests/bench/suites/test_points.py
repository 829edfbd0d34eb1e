"""The suite `points`."""

import pytest

from benched import run_suite
from sapts_pinn.bench.suites import points


def test_points(tmp_path, capsys, here):
    found, _ = run_suite("points", ["--sizes", "64,32,128", "--steps", "2"], tmp_path, capsys)
    assert [row["points"] for row in found["rows"]] == [32, 64, 128] and found["fit"]["exponent"]


def test_the_fit_recovers_power_and_line():
    sizes = [1000, 2000, 4000, 8000]
    fit = points._fit(sizes, [1e-3 + 2e-6 * n for n in sizes])
    assert fit["fixed"] == pytest.approx(1e-3) and fit["per_point"] == pytest.approx(2e-6)
    assert fit["worst"] < 1e-9
    assert points._fit(sizes, [1e-6 * n**1.5 for n in sizes])["exponent"] == pytest.approx(1.5)
