"""The loop: stopping, the history, and runs that go on bit for bit where they were interrupted."""

import csv
import itertools
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from heat import SHORT, heat
from sapts_pinn import Problem, solve
from sapts_pinn.callbacks import Callback
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import SAMPLERS
from sapts_pinn.kernels.dense import SMALL as SMALL_MATRIX
from sapts_pinn.problems.zoo import build
from sapts_pinn.results.solution import Solution

K, M = 7, 6  # the sessions' steps: a resampling before, in the middle of, and after the second start


def parameters(solution: Solution) -> dict[str, torch.Tensor]:
    return solution.model.state_dict()


def assert_same(a: Solution, b: Solution) -> None:
    assert all(torch.equal(x, y) for x, y in zip(parameters(a).values(), parameters(b).values(), strict=True))
    assert a.result["loss"] == b.result["loss"]
    kept = (
        "iteration",
        "loss",
        "radius",
        "rho",
        "accepted",
    )  # when the error is measured is a matter of time
    rows = [[{name: row[name] for name in kept} for row in s.history] for s in (a, b)]
    assert rows[0] == rows[1]


# -- stopping ------------------------------------------------------------------------------------------------


def test_a_target_error_ends_the_run():
    solution = solve(build("poisson-1d"), budget="2000 iterations", target_error=0.3, network=(8,), points=64)
    assert solution.result["relative_l2_error"] <= 0.3
    assert solution.result["status"] == "target error 0.3 reached"


@pytest.mark.parametrize(
    ("target", "message"), [(0.1, "needs a reference"), (-1, "must be positive"), (math.nan, "must be")]
)
def test_an_impossible_target_is_refused(target, message):
    with pytest.raises(ValueError, match=message):
        solve(heat(), target_error=target, **SHORT)


def test_an_option_unknown_to_the_optimizer_is_a_sentence():
    with pytest.raises(ValueError, match="does not take the option 'radius'"):
        solve(heat(), method="adam", options={"radius": 1.0}, **SHORT)


@pytest.mark.parametrize("rate", [-1, "fast"])
def test_an_option_that_pytorch_refuses_is_a_sentence(rate):
    with pytest.raises(InputError, match=f"the method does not take lr={rate!r}"):
        solve(heat(), method="adam", options={"lr": rate}, **SHORT)


# -- what is recorded ----------------------------------------------------------------------------------------


def test_the_history_has_the_columns_of_the_contract(tmp_path):
    solve(build("burgers"), budget="12 iterations", out=tmp_path / "run", **SHORT)
    with (tmp_path / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    expected = (
        "iteration seconds loss loss_equation radius rho accepted function_evaluations gradient_evaluations "
        "relative_l2_error"
    ).split()
    assert list(rows[0]) == expected
    assert [int(row["iteration"]) for row in rows] == list(range(1, 13))
    assert rows[-1]["relative_l2_error"] and rows[0]["accepted"] in ("0", "1")
    assert all(float(a["seconds"]) <= float(b["seconds"]) for a, b in itertools.pairwise(rows))


def test_each_term_of_the_loss_is_recorded_and_they_add_up():
    known = 0
    for row in solve(heat(), budget="30 iterations", **SHORT).history:
        terms = [value for name, value in row.items() if name.startswith("loss_")]
        assert len(terms) == 2
        if terms[0] is not None:
            assert sum(terms) == pytest.approx(row["loss"])
            known += 1
    assert known > 10


# -- resuming ------------------------------------------------------------------------------------------------


def interrupted(folder: Path, method: str, problem: Problem, **settings) -> tuple[Solution, Solution]:
    """A run in one piece, and one in two."""
    settings = {"method": method, **SHORT, **settings}
    # adam-lbfgs changes its phase at a share of the budget, which has to be the same in both sessions.
    whole = solve(problem, budget=f"{K + M} iterations", **settings)

    class Stop(Callback):
        def on_step(self, trainer):
            if trainer.iteration == K:
                trainer.stop("interrupted")

    first = solve(problem, budget=f"{K + M} iterations", callbacks=[Stop()], out=folder, **settings)
    assert first.result["iterations"] == K
    return whole, solve(problem, budget=f"{K + M} iterations", resume=folder, **settings)


METHODS = ["tr", "tr-gauss-newton", "tr-lbfgs", "tr-lsr1", "tr-identity", "adam", "lbfgs", "adam-lbfgs"]


@pytest.mark.parametrize("method", METHODS)
def test_two_sessions_are_one_run_bit_for_bit(tmp_path, method):
    options = {"iterations": 4} if method == "lbfgs" else None  # within a step
    assert_same(*interrupted(tmp_path / "run", method, heat(), options=options))


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_samplers_go_on_where_they_were(tmp_path, sampler):
    whole, resumed = interrupted(tmp_path / "run", "tr", heat(), sampler=sampler)
    assert_same(whole, resumed)


def test_float32_goes_on_bit_for_bit(tmp_path):
    assert_same(*interrupted(tmp_path / "run", "tr", heat(), dtype="float32"))


def test_a_matrix_large_enough_for_the_kernel_goes_on_bit_for_bit(tmp_path):
    whole, resumed = interrupted(tmp_path / "run", "tr", heat(), network=(20, 20), points=512)
    assert sum(p.numel() for p in whole.model.parameters()) >= SMALL_MATRIX
    assert_same(whole, resumed)


def test_training_leaves_the_number_of_threads_as_it_was():
    before, seen = torch.get_num_threads(), []

    class Look(Callback):
        def on_step(self, trainer):
            kernel = all(piece.points is not None for piece in trainer.objective.blocks)
            seen.append((kernel, torch.get_num_threads()))
            if trainer.iteration == 3:
                raise RuntimeError("out")

    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="out"):
            solve(heat(), budget="5 iterations", callbacks=[Look()], **SHORT)
        assert torch.get_num_threads() == 2
        assert seen == [(kernel, 1 if kernel else 2) for kernel, _ in seen] and len(seen) == 3
    finally:
        torch.set_num_threads(before)


def test_a_fresh_process_goes_on_bit_for_bit(tmp_path):
    settings = {**SHORT, "method": "tr", "seed": 3}
    whole = solve(build("poisson-1d"), budget=f"{K + M} iterations", **settings)
    solve(build("poisson-1d"), budget=f"{K} iterations", out=tmp_path / "run", **settings)
    code = (
        "import sys, torch; torch.set_num_threads(int(sys.argv[2]))\n"
        "from sapts_pinn import solve; from sapts_pinn.problems.zoo import build\n"
        f"solve(build('poisson-1d'), budget='{K + M} iterations', resume=sys.argv[1], **{settings!r})"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "run", str(torch.get_num_threads())], check=True)
    assert_same(whole, Solution.load(tmp_path / "run"))


def test_a_wrong_setting_leaves_no_folder_behind(tmp_path):
    with pytest.raises(ValueError, match="radius"):
        solve(heat(), options={"radius": -1.0}, out=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


def test_the_same_seed_is_the_same_run_and_another_is_not():
    a, b, c = (solve(heat(), seed=seed, budget="6 iterations", **SHORT) for seed in (1, 1, 2))
    assert_same(a, b)
    assert a.result["loss"] != c.result["loss"]


@pytest.mark.parametrize(("method", "parts"), [("sapts-d", 2), ("sapts-p", 3), ("sapts-ip", 3)])
def test_a_network_of_three_layers_has_no_more_parts_of_its_own_by_default(method, parts):
    found = solve(build("poisson-1d"), method=method, network=(4, 4), points=32, budget="2 iterations")
    assert found.result["parts"] == parts


@pytest.mark.parametrize("method", ["sapts-d", "sapts-p", "sapts-ip"])
@pytest.mark.parametrize("parts", [0, -1])
def test_no_parts_are_refused_and_not_taken_for_the_default(method, parts):
    with pytest.raises(ValueError, match=f"{parts}"):
        solve(build("poisson-1d"), method=method, parts=parts, points=32, budget="1 iteration")
