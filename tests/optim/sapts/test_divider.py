"""The subdomains batch by batch: which are visited, and the same draws after a saved state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from preloaded import run
from sapts_pinn import solve
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim import Sweep
from sapts_pinn.optim.sapts import find_decomposition
from sapts_pinn.optim.sapts.divider import Divider
from sapts_pinn.optim.sapts.exchange import Division
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.problems import build
from sapts_runs import COMBINATIONS, PARTS, SAPTS_METHODS, objective_of, pinn, sapts


@pytest.mark.parametrize("case", [0, 5])
def test_a_state_may_be_saved_again_before_the_next_step(case: int) -> None:
    decomposition, options = COMBINATIONS[case]
    objective = objective_of(decomposition, points=3000)
    optimizer = sapts(objective, decomposition, **options)
    for _ in range(3):
        optimizer.step(objective)
    theta, state = gather(objective.parameters), optimizer.state_dict()
    for _ in range(2):  # load and save, without a step in between
        passing = sapts(objective, decomposition, **options)
        passing.load_state_dict(state)
        state = passing.state_dict()
    steps = [float(optimizer.step(objective)) for _ in range(12)]
    scatter_(objective.parameters, theta)
    again = sapts(objective, decomposition, **options)
    again.load_state_dict(state)
    assert [float(again.step(objective)) for _ in range(12)] == steps


SMALL = {"network": (6, 6), "points": 1200, "condition_points": 40, "seed": 3}


def stopped(
    folder: Path, method: str, first: int, last: int, resample: int, name: str = "poisson-1d"
) -> tuple[Any, Any]:
    options = {**SMALL, "method": method, "resample": resample, "parts": 3}
    whole = solve(build(name), budget=f"{last} iterations", **options)
    solve(build(name), budget=f"{first} iterations", out=folder, **options)
    return whole, solve(build(name), budget=f"{last} iterations", resume=folder, **options)


@pytest.mark.parametrize("first", [pytest.param(7, marks=pytest.mark.slow), 8])
@pytest.mark.parametrize("method", SAPTS_METHODS)
def test_two_sessions_are_one_run_also_with_new_points(tmp_path: Path, method: str, first: int) -> None:
    """At a resample after 4 steps the points are new, and with 8 that is just after the interruption."""
    whole, parts = stopped(tmp_path, method, first, 12, 4)
    assert torch.equal(gather(list(whole.model.parameters())), gather(list(parts.model.parameters())))
    names = ["loss", "radius", "rho", "accepted", "sweep_rho", "local_steps"]
    for a, b in zip(whole.history, parts.history, strict=True):
        assert [a[name] for name in names] == [b[name] for name in names]
    assert method in ("sapts-p", "sapts-ip") or any(row["local_steps"] for row in whole.history)
    for row in whole.history:  # what a step has left behind, by terms: this problem has one
        assert row.get("loss_equation") in (None, pytest.approx(row["loss"]))


def test_in_a_fresh_process_too(tmp_path: Path) -> None:
    options = {**SMALL, "method": "sapts-d", "resample": 4, "parts": 3}
    whole = solve(build("poisson-1d"), budget="24 iterations", **options)
    solve(build("poisson-1d"), budget="9 iterations", out=tmp_path / "run", **options)
    code = (
        "import torch; torch.set_num_threads({threads})\n"
        "from sapts_pinn import solve; from sapts_pinn.problems import build\n"
        "solve(build('poisson-1d'), budget='24 iterations', resume={run!r}, **{options!r})"
    ).format(threads=torch.get_num_threads(), run=str(tmp_path / "run"), options=options)
    (tmp_path / "code.py").write_text(code)
    status, _, err = run(tmp_path / "code.py", cwd=tmp_path)
    assert status == 0, err
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["trainer"]
    assert saved["iteration"] == 24
    state = whole.model.state_dict()
    assert state.keys() == saved["model"].keys()
    assert all(torch.equal(tensor, saved["model"][name]) for name, tensor in state.items())


@pytest.mark.parametrize("visits", [0, 1, 2])
def test_a_sweep_visits_as_many_parts_as_asked_for(visits: int) -> None:
    for order, expected in (("multiplicative", visits or PARTS), ("additive", PARTS)):
        objective = pinn(points=60)
        optimizer = sapts(objective, "data", order=order, visits=visits, adaptive=False, local_steps=2)
        seen = set()
        for _ in range(12):
            optimizer.step(objective)
            numbers = [part["number"] for part in optimizer.info["parts"]]
            assert len(numbers) == len(set(numbers)) == expected
            assert all(part["steps"] <= 2 for part in optimizer.info["parts"])
            seen |= set(numbers)
        assert seen == set(range(PARTS))


@pytest.mark.parametrize(
    ("gap", "stuck", "grown"), [(0.99, False, True), (1.01, False, False), (1.01, True, True)]
)
def test_the_next_batch_begins_where_the_last_ends_and_is_larger_where_that_was_overfitted(
    gap: float, stuck: bool, grown: bool
) -> None:
    """The gap is that between the losses of both at the same parameters."""
    objective = pinn(points=3000)
    divider = Divider(find_decomposition("data"), PARTS, Sweep(batch=0.4), SingleProcess())
    first, looked = divider.divide(objective), []

    def look(division: Division) -> float:
        looked.append(division)
        return division.whole.evaluate().value

    divider.next_batch(False, 1.0, look)
    assert divider.division is first and divider.batches.age == 1 and not looked, "it is not due yet"
    beyond = objective.restrict({"equation": divider._sequence["equation"][1200:][:1596]}, estimate=True)
    divider.batches.age = 0 if stuck else divider.batches.steps - 1
    divider.next_batch(stuck, gap * beyond.evaluate().value / divider.batches.gap, look)
    assert divider.division is not None and divider.batches.age == 0
    assert divider.batches.share == pytest.approx(0.6 if grown else 0.4) and len(looked) == (not stuck)
    before, after = (d.objective.sites["equation"].points for d in (first, divider.division))
    own, overlap = round(0.4 * 3000), round(0.33 * 0.4 * 3000)
    assert len(before) == own + overlap and len(after) == round((1.5 if grown else 1.0) * len(before))
    assert torch.equal(after[:overlap], before[own:]), "it begins where the share of the first ends"
