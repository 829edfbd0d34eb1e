"""Every suite at toy size: its table, its figures, what it does with wrong input, and how it measures."""

import json
import subprocess
import sys
from contextlib import redirect_stdout
from inspect import signature

import pytest
import torch

from sapts_pinn.bench import SUITES, main
from sapts_pinn.bench.harness import child, cost_model, journal, options, report
from sapts_pinn.bench.suites import (
    ablation,
    accuracy,
    closure,
    first_step,
    gradients,
    in_deepxde,
    memory,
    points,
    radius,
    scaling,
    trust,
    zoo,
)
from sapts_pinn.problems.zoo import ZOO

SMALL = ["--points", "64", "--network", "4,4,4", "--seeds", "0"]

# Each suite as small as it gets.
TOY = {
    "gradients": ["--points", "64", "--threads", "1", "--repeats", "1", "--seconds", "0.001"],
    "points": ["--sizes", "64,32,128", "--steps", "2"],
    "memory": ["--problems", "poisson-1d", "--steps", "2"],
    "first-step": ["--problem", "poisson-1d", "--repeats", "1"],
    "solve": ["--problems", "poisson-1d", "--methods", "tr,adam", "--budget", "3 iterations", "--seeds", "0"],
    "ablation": [
        "--problems",
        "poisson-1d",
        "--methods",
        "sapts-p",
        "--factors",
        "parts,pooled",
        "--budget",
        "8 evaluations",
        *SMALL,
    ],
    "radius": ["--problem", "poisson-1d", "--methods", "tr,adam", "--budget", "2 iterations", *SMALL],
    "scaling": [
        "--problem",
        "poisson-1d",
        "--ranks",
        "1",
        "--target",
        "2",
        "--budget",
        "9 iterations",
        *SMALL,
    ],
    "deepxde": ["--problems", "lorenz-inverse", "--methods", "tr,adam", "--seconds", "1", "--seeds", "0"],
    "zoo": ["--problems", "heat,poisson-1d", "--budget", "1 iterations", "--threads", "1"],
    "trust": ["--parts", "cases", "--cases", "16", "--budget", "2 iterations", "--threads", "1"],
    "closure": ["--problems", "lorenz-inverse", "--repeats", "1", "--seconds", "0.001"],
}


def in_this_process(function, **arguments):
    with redirect_stdout(sys.stderr):  # as a child does
        return json.loads(json.dumps(function(**arguments)))


@pytest.fixture
def here(monkeypatch):
    """Measure in this process, which has loaded PyTorch already."""
    for suite in (ablation, accuracy, closure, in_deepxde, memory, points, radius, trust, zoo):
        monkeypatch.setattr(suite, "in_child", in_this_process)
    monkeypatch.setattr(scaling, "launch", lambda ranks, **a: in_this_process(scaling.measure, **a))
    monkeypatch.setenv("DDE_BACKEND", "pytorch")  # as children have it
    times = {"from_outside": 2.0, "seconds_to_first_step": 1.9, "until_started": 0.1, "whole": 9.0}
    monkeypatch.setattr(first_step, "measure", lambda problem, seed, cache: times)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    if "deepxde" in sys.modules:  # whose precision is global
        sys.modules["deepxde"].config.set_default_float("float32")


def run(suite, folder):
    assert main([suite, *TOY[suite], "--out", str(folder)]) == 0
    return json.loads((folder / "bench.json").read_text())


@pytest.mark.parametrize(
    "suite", [name for name in SUITES if name != "supervised"]
)  # which has its own tests
def test_a_suite_prints_a_table_and_writes_its_figures(suite, tmp_path, capsys, here):
    found = run(suite, tmp_path)
    assert found["suite"] == suite and found["rows"]
    assert {"cpu", "cores", "threads", "versions"} <= set(found["machine"])
    out = capsys.readouterr().out
    assert out.rstrip() == (tmp_path / "table.txt").read_text().rstrip()
    for word in ("machine", "software", "threads", "float64", "seed"):
        assert word in out
    check = {
        "trust": lambda: (
            [row["outcome"] for row in found["rows"]] != [] and all("words" in row for row in found["rows"])
        ),
        "gradients": lambda: len(found["rows"]) >= 5 and all(r > 0 for r in found["ratios"].values()),
        "points": lambda: (
            [row["points"] for row in found["rows"]] == [32, 64, 128] and found["fit"]["exponent"]
        ),
        "memory": lambda: found["below"],
        "first-step": lambda: [row["cache"] for row in found["rows"]] == ["empty", "warm"],
        "solve": lambda: (tmp_path / found["picture"]).stat().st_size > 0,
        "ablation": lambda: (
            sum("refused" in row for row in found["rows"]) == 1
            and all(row["curve"][-1][0] >= 8 for row in found["rows"] if "curve" in row)
            and "| tr, default |" in (tmp_path / "ablation.md").read_text()
        ),
        "radius": lambda: len(found["rows"]) == 14 and "max / min" in out,
        "deepxde": lambda: all(row["status"] == "done" and row["steps"] > 5 for row in found["rows"]),
        "closure": lambda: all(r > 0 for r in found["ratios"]["lorenz-inverse"].values()),
        "zoo": lambda: (
            all(row["status"].startswith("budget spent") for row in found["rows"])
            and all(word in out for word in ("heat", "1e-06", "poisson-1d", "missed"))
        ),
        "scaling": lambda: all(row["reached"] for row in found["rows"]) and "stand-in for a network" in out,
    }
    assert check[suite]()


def test_solve_goes_on_where_it_was(tmp_path, capsys, here, monkeypatch):
    calls = []

    def interrupted(function, **arguments):
        calls.append(arguments["method"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return in_this_process(function, **arguments)

    monkeypatch.setattr(accuracy, "in_child", interrupted)
    arguments = ["solve", *TOY["solve"], "--out", str(tmp_path)]
    assert main(arguments) == 1
    assert "interrupted" in capsys.readouterr().err
    assert main(arguments) == 0
    assert calls == ["tr", "adam", "adam"]
    assert main([*(a.replace("3 it", "4 it") for a in arguments)]) == 2
    assert "holds results with budget 3 iterations" in capsys.readouterr().err


def test_a_failed_run_is_told_and_tried_again(tmp_path, capsys, here, monkeypatch):
    def broken(function, **arguments):
        raise RuntimeError("out of memory")

    arguments = ["solve", *TOY["solve"], "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(accuracy, "in_child", broken)
        assert main(arguments) == 0
    assert "note: poisson-1d, tr, seed 0: out of memory" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "out of memory" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solv"], "there is no suite 'solv'; choose one of gradients, points"),
        (["solve", "--problems", "burgrs"], "did you mean 'burgers'?"),
        (["solve", "--methods", "trr"], "did you mean 'tr'?"),
        (["solve", "--budget", "2 minuts"], "cannot read the budget"),
        (["solve", "--seeds", "0,-1"], "--seeds must be at least 0, not -1"),
        (["solve", "--threads", "0"], "--threads must be at least 1, not 0"),
        (["ablation", "--budget", "60s"], "--budget must be gradient work"),
        (["ablation", "--factors", "step"], "there is no factor 'step'; choose one of parts"),
        (["radius", "--methods", "newton"], "unknown method 'newton'"),
        (["scaling", "--target", "0"], "--target must be a positive error, not 0"),
        (["scaling", "--delays", "-1"], "--delays must be at least 0, not -1"),
        (["points", "--sizes", "1.5"], "'1.5' is not a whole number"),
        (["points", "--sizes", ","], "--sizes is empty"),
        (["points", "--method", "newton"], "unknown method 'newton'"),
        (["memory", "--problems", "hot"], "there is no problem 'hot'"),
        (["gradients", "--threads", "0"], "--threads must be at least 1, not 0"),
        (["gradients", "--repeats", "0"], "--repeats must be at least 1, not 0"),
        (["gradients", "--seconds", "nan"], "--seconds must be at least 0.001, not nan"),
        (["closure", "--problems", "hot"], "there is no problem 'hot' here; choose of burgers"),
        (["closure", "--parts", "0"], "--parts must be at least 1, not 0"),
        (["first-step", "--bogus", "1"], "Unknown option"),
        (["deepxde", "--problems", "hot"], "there is no problem 'hot' here; choose of burgers"),
        (["deepxde", "--methods", "newton"], "unknown method 'newton'"),
        (["deepxde", "--precision", "double"], "--precision must be float32 or float64, not 'double'"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path, capsys):
    (tmp_path / "taken").touch()
    assert main(["memory", "--out", str(tmp_path / "taken")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_every_suite_has_a_folder_option():
    assert all("out" in signature(suite).parameters for suite in SUITES.values())


def test_the_module_is_a_command():
    command = [sys.executable, "-m", "sapts_pinn.bench", "--help"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(name in listing for name in SUITES)


def test_the_peak_of_a_child_is_its_own():
    ballast = torch.ones(500 * 2**20 // 8, dtype=torch.float64)  # 500 MB in this process
    assert child.peak_memory() > ballast.nbytes
    with child.Child() as fresh:
        assert fresh.call(child.peak_memory) < 200 * 2**20


def test_a_child_that_fails_says_why():
    with pytest.raises(RuntimeError, match="--steps must be at least 1, not 0"):
        child.in_child(options.at_least, least=1, steps=0)


def test_the_first_step_is_timed_from_the_process_start(tmp_path):
    found = first_step.measure("poisson-1d", seed=0, cache=str(tmp_path))
    assert 0 < found["seconds_to_first_step"] < found["from_outside"] < found["whole"]


@pytest.mark.slow
def test_gradients_with_two_threads_waits_both_ways(tmp_path):
    arguments = ["--points", "64", "--threads", "2", "--repeats", "1", "--seconds", "0.001"]
    assert main(["gradients", *arguments, "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "bench.json").read_text())
    assert len(found["rows"]) == 3 * len(gradients.CASES)


def test_the_fit_recovers_power_and_line():
    sizes = [1000, 2000, 4000, 8000]
    fit = points._fit(sizes, [1e-3 + 2e-6 * n for n in sizes])
    assert fit["fixed"] == pytest.approx(1e-3) and fit["per_point"] == pytest.approx(2e-6)
    assert fit["worst"] < 1e-9
    assert points._fit(sizes, [1e-6 * n**1.5 for n in sizes])["exponent"] == pytest.approx(1.5)


def test_spread():
    assert report.spread([3.0, 1.0, 2.0]) == "2 [1, 3]"
    assert report.spread([]) == "-"


def test_a_journal_goes_on_after_whatever_ended_it(tmp_path, capsys):
    path, cells = tmp_path / "runs.jsonl", [{"n": n} for n in range(3)]
    calls, published = [], []

    def measure(n, stop=1):
        calls.append(n)
        if n == stop:
            raise KeyboardInterrupt
        return {"square": n * n}

    with pytest.raises(KeyboardInterrupt, match="goes on from here"):
        journal.Journal(path, {"budget": 1}).complete(cells, measure, published.append)
    path.write_text(path.read_text() + '\n{"settings": {"bud')  # killed while writing
    journal.Journal(path, {"budget": 1}).complete(cells, lambda n: measure(n, stop=9), published.append)
    assert calls == [0, 1, 1, 2]
    assert [[row["square"] for row in rows] for rows in published] == [[0], [0, 1, 4]]
    journal.Journal(path, {"budget": 2}).complete(cells[:1], lambda n: measure(n, stop=9), published.append)
    assert calls[-1] == 0
    capsys.readouterr()


def test_no_variant_comes_to_the_default_or_to_another():
    data, stages = (ablation.variants(name, list(ablation.FACTORS)) for name in ("sapts-d", "sapts-ip"))
    assert next(iter(data)) == "default" and {"parts 8", "mean of additive parts", "not pooled"} <= set(data)
    assert "parts 4" not in data and "additive" not in data
    assert "not pooled" not in stages and "multiplicative" in stages
    assert list(ablation.variants("tr", list(ablation.FACTORS))) == ["default"]


def test_means_say_what_diverged():
    assert report.geometric_spread([1.0, 100.0], ".0f") == "10 [1, 100]"
    assert report.geometric_spread([1.0, float("nan")], ".0f") == "1, 1/2 diverged"
    assert radius.ratio({0.1: [1e-2, 1e-4], 1.0: [1e-1, 1e-3]}) == pytest.approx(10)
    assert radius.ratio({0.1: [1e-2], 1.0: [float("nan")]}) == float("inf")


def test_the_cost_model_recovers_its_constants():
    truth = {
        "tr": {"replicated": 2e-3, "divided": 30e-3},
        "sapts-d": {"replicated": 9e-3, "divided": 80e-3},
        "latency": 1e-3,
        "seconds_per_byte": 1e-8,
    }
    rows = []
    for method, summed, gathered, operations in (("tr", 2e4, 0.0, 1), ("sapts-d", 2e4, 4e5, 2)):
        for ranks, delay in ((1, 0), (2, 0), (2, 5), (2, 20), (4, 0), (4, 20)):
            row = {
                "method": method, "ranks": ranks, "delay": delay, "iterations": 10, "messages": 0,
                "summed_per_step": summed, "gathered_per_step": gathered,
                "collectives": 10 * operations * (ranks > 1),
                "bytes": 10 * (summed + gathered) * (ranks - 1),
                "probes": [(b, 1e-3 + 1e-8 * b) for b in (8, 8e3, 8e5)] if ranks > 1 else [],
            }  # fmt: skip
            row["seconds"] = 10 * cost_model.predict(truth, row, ranks, 1e-3 * delay, cores=2)
            rows.append(row)
    found = cost_model.fit(rows, cores=2)
    assert found["off_at_most"] < 1e-8
    for name, value in truth.items():
        assert found[name] == pytest.approx(value, rel=1e-6)
    assert cost_model.fit(rows[:1], cores=2) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "parts"), [("tr", None), ("sapts-d", 2)])
def test_scaling_launches_ranks(method, parts):
    found = scaling.launch(
        2, problem="poisson-1d", method=method, parts=parts, delay=1e-3, seed=0, budget="9 iterations",
        target=1e-9, points=64, network=[4, 4],
    )  # fmt: skip
    assert found["iterations"] == 9 and not found["reached"]
    assert found["collectives"] >= 9 and found["bytes"] > 0 and found["summed_per_step"] > 0
    assert (found["gathered_per_step"] > 0) == (method == "sapts-d")
    assert len(found["probes"]) == 4


def test_goals_are_judged_by_the_mean_over_the_seeds():
    goal = zoo.Goal("heat", zoo.ERROR, floor=1e-2, target=1e-4)
    assert goal.verdict([1e-5, 9e-4]) == "target"  # geometric mean 9.5e-5
    assert goal.verdict([1e-5, 2e-3]) == "floor"
    assert goal.verdict([1e-1]) == "missed"
    assert goal.verdict([float("nan")]) == "missed"
    assert zoo.coefficient("nu", 2.0).of({"coefficients": {"nu": 1.9}}) == pytest.approx(0.05)
    assert zoo.quantity("drag").of({"quantities": {"drag": {"relative_error": 0.02}}}) == 0.02
    assert not set(goal.problem for goal in zoo.GOALS) - set(ZOO)
