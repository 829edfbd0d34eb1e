"""The suite `pinnacle`."""

import pytest

from benched import run_suite
from sapts_pinn.bench import main
from sapts_pinn.bench.suites import pinnacle
from sapts_pinn.problems.pinnacle import LEFT_OUT, PINNACLE


def test_pinnacle(tmp_path, capsys, here):
    arguments = ["--problems", "pinnacle-burgers1d-c,wave1d-c", "--budget", "1 iterations"]
    found, out = run_suite("pinnacle", arguments, tmp_path, capsys)
    assert [row["problem"] for row in found["rows"]] == ["pinnacle-burgers1d-c", "pinnacle-wave1d-c"]
    assert found["settings"]["threads"] == 1
    assert all(word in out for word in ("1.6e-02", "AdaBGDA", "of 2 problems are below", "1.3e-2 off"))


def test_rows_below_the_published_errors_are_counted():
    row = lambda name, error: {
        "problem": f"pinnacle-{name}", "seed": 0, "relative_l2_error": error, "method": "tr",
        "seconds": 1.0, "status": "budget spent (1s)",
    }  # fmt: skip
    rows = [row("ks", 0.9), row("gs", 1e-3), row("pnd", 1.0), row("hnd", None)]
    assert pinnacle._counts(rows) == ["2 of 4 problems are below the published error, 1 of them 10 times"]
    assert pinnacle._lines(rows)[1][4] == "80" and "diverged" in pinnacle._lines(rows)[3][1]


def test_every_problem_has_a_published_error():
    assert len(pinnacle.PUBLISHED) == 22
    assert {*PINNACLE, *LEFT_OUT} == set(pinnacle.PUBLISHED) and not set(PINNACLE) & set(LEFT_OUT)


@pytest.mark.parametrize("name", ["wave1d", "pinnacle-kz"])
def test_an_unknown_name_is_refused(name, capsys):
    assert main(["pinnacle", "--problems", name]) == 2
    assert "unknown problem of PINNacle" in capsys.readouterr().err
