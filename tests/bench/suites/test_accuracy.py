"""The suite `solve`."""

from benched import in_this_process, run_suite
from sapts_pinn.bench import main
from sapts_pinn.bench.suites import (
    accuracy,
)

SOLVE = ["--problems", "poisson-1d", "--methods", "tr,adam", "--budget", "3 iterations", "--seeds", "0"]


def test_solve(tmp_path, capsys, here):
    found, _ = run_suite("solve", SOLVE, tmp_path, capsys)
    assert (tmp_path / found["picture"]).stat().st_size > 0


def test_solve_goes_on_where_it_was(tmp_path, capsys, here, monkeypatch):
    calls = []

    def interrupted(function, **arguments):
        calls.append(arguments["method"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return in_this_process(function, **arguments)

    monkeypatch.setattr(accuracy, "in_child", interrupted)
    arguments = ["solve", *SOLVE, "--out", str(tmp_path)]
    assert main(arguments) == 1
    assert "interrupted" in capsys.readouterr().err
    assert main(arguments) == 0
    assert calls == ["tr", "adam", "adam"]
    assert main([*(a.replace("3 it", "4 it") for a in arguments)]) == 2
    assert "holds results with budget 3 iterations" in capsys.readouterr().err


def test_a_failed_run_is_told_and_tried_again(tmp_path, capsys, here, monkeypatch):
    def broken(function, **arguments):
        raise RuntimeError("out of memory")

    arguments = ["solve", *SOLVE, "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(accuracy, "in_child", broken)
        assert main(arguments) == 0
    assert "note: poisson-1d, tr, seed 0: out of memory" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "out of memory" not in capsys.readouterr().out
