"""The suite `ablation`."""

import pytest

from benched import SMALL, run_suite
from sapts_pinn.bench.suites import (
    ablation,
)


@pytest.mark.slow
def test_ablation(tmp_path, capsys, here):
    arguments = ["--problems", "poisson-1d", "--methods", "sapts-p", "--factors", "parts,pooled"]
    found, _ = run_suite("ablation", [*arguments, "--budget", "8 evaluations", *SMALL], tmp_path, capsys)
    assert sum("refused" in row for row in found["rows"]) == 1
    assert all(row["curve"][-1][0] >= 8 for row in found["rows"] if "curve" in row)
    assert "| tr, default |" in (tmp_path / "ablation.md").read_text()


def test_no_variant_comes_to_the_default_or_to_another():
    data, stages = (ablation.variants(name, list(ablation.FACTORS)) for name in ("sapts-d", "sapts-ip"))
    assert next(iter(data)) == "default" and {"parts 8", "mean of additive parts", "not pooled"} <= set(data)
    assert "parts 4" not in data and "additive" not in data
    assert "not pooled" not in stages and "multiplicative" in stages
    assert list(ablation.variants("tr", list(ablation.FACTORS))) == ["default"]
