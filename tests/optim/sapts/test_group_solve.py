"""Local solves of a group: each from where the last has ended, all within one radius."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import Tensor

from sapts_pinn.optim import RadiusRule, Sweep
from sapts_pinn.optim.curvature import Curvature, SSBroyden
from sapts_pinn.optim.sapts.exchange import Division
from sapts_pinn.optim.sapts.group_solve import PAIRS, GroupSolve
from sapts_pinn.optim.sapts.local_models import LocalModels
from sapts_pinn.optim.sapts.local_solve import Correction
from sapts_pinn.optim.sapts.subdomain import LocalEvaluation, Subdomain
from sapts_pinn.optim.snapshot import Snapshot
from sapts_pinn.parallel.communicator import SingleProcess
from subdomains import centred, cut, make, pipeline, relative


def solved(
    division: Division,
    reach: float = math.inf,
    pooled: Curvature | None = None,
    models: LocalModels | None = None,
    deadline: float = math.inf,
) -> tuple[Correction, torch.Tensor]:
    """The parts of the first group, at most four steps each; theta_k."""
    theta, _, _ = centred(division)
    solve = GroupSolve(
        sweep=Sweep(adaptive=False),
        rule=RadiusRule(),
        radius=0.3,
        reach=reach,
        steps=4,
        pooled=pooled,
        in_place=pooled is not None and division.count == 1,
        local_models=models or LocalModels("ssbroyden"),
        deadline=deadline,
        around=Snapshot(division.whole, torch.device("cpu")),
    )
    (group, *_) = division.groups
    look = division.whole.evaluate()
    look.gradient()  # with it stages get what is frozen
    return solve.run(division, group, theta, look), theta


def blocks(additive: bool = False) -> Division:
    return cut(make("burgers"), "parameters", "layers", additive=additive)


def test_parts_in_turn_move_on_what_the_others_have_moved() -> None:
    """On f itself: the fall of f is the sum of what the parts have gained."""
    division = blocks()
    before = division.whole.evaluate().value
    done, theta = solved(division)
    assert [record.number for record in done.records] == [0, 1, 2] and done.end is not None
    assert torch.allclose(done.end, theta + done.s, rtol=1e-13) and done.last is not None
    look = division.own[0].evaluate(done.end)
    assert before - look.value == pytest.approx(done.predicted, rel=1e-9) and done.predicted > 0
    for part in division.own:
        assert float(part.restrict(done.s).norm()) > 0
    assert done.last[0] is division.own[-1] and done.last[1].value == pytest.approx(look.value, rel=1e-12)


@pytest.mark.parametrize("reach", [1e-3, 0.05])
def test_all_steps_of_a_group_stay_within_its_radius(reach: float) -> None:
    """Every part has an even share of what those before have left."""
    done, _ = solved(blocks(), reach)
    gone = 0.0
    for place, record in enumerate(done.records):
        assert 0 < record.length <= RadiusRule().left(reach, gone, 3 - place) * (1 + 1e-12)
        gone += record.length
    assert done.length == pytest.approx(gone) and float(done.s.norm()) <= reach * (1 + 1e-9)


def test_parts_keep_the_models_of_their_own() -> None:
    division, models = blocks(), LocalModels("ssbroyden")
    solved(division, models=models)
    first = {number: model for number, (model, _) in models.models.items()}
    assert list(first) == [0, 1, 2] and len({id(model) for model in first.values()}) == 3
    solved(division, models=models)
    assert all(models.models[number][0] is model for number, model in first.items())


@pytest.mark.parametrize("additive", [False, True])
def test_a_pooled_model_learns_in_one_group_and_is_copied_for_many(additive: bool) -> None:
    """Groups are independent: what one has learnt the others hear of in the exchange."""
    division = cut(make("burgers"), additive=additive)
    pooled, models = SSBroyden(), LocalModels("lbfgs")
    done, _ = solved(division, pooled=pooled, models=models)
    assert models.models == {} and sum(record.accepted for record in done.records) > 0
    assert (pooled.H is None) == additive
    expected = sum(record.accepted for record in done.records)
    assert len(done.pairs) == min(expected, PAIRS)


def test_after_the_deadline_nothing_moves() -> None:
    done, theta = solved(blocks(), deadline=time.monotonic() - 1.0)
    assert [record.steps for record in done.records] == [0, 0, 0] and not done.s.any()
    assert torch.equal(done.end, theta) and done.pairs == []


def test_the_change_of_the_gradient_is_that_of_all_steps_also_of_those_not_kept_as_pairs() -> None:
    """On f itself the changes along all steps add up to the gradient at the end less that at theta_k."""
    division = blocks()
    _, g, _ = centred(division)
    done, _ = solved(division)
    assert sum(record.accepted for record in done.records) > PAIRS == len(done.pairs) and done.end is not None
    change = division.own[0].evaluate(done.end).full_gradient() - g
    assert relative(done.y, change) < 1e-12


def test_parts_that_are_models_of_the_residuals_say_together_what_changes_in_them() -> None:
    """Stages with what they are given frozen: each sees its own step alone, and their changes add up."""
    division = cut(pipeline("burgers"), "stages", additive=False)
    done, theta = solved(division)
    assert done.end is not None and done.residual is not None and done.change is not None
    before = [part.evaluate(theta).by_point() for part in division.own]
    after = [part.evaluate(done.end).by_point() for part in division.own]
    changes = [b - a for a, b in zip(before, after, strict=True) if a is not None and b is not None]
    assert len(changes) == 3 and all(float(change.norm()) > 0 for change in changes)
    assert torch.equal(done.residual, before[0]) and relative(done.change, sum(changes)) < 1e-12
    assert solved(blocks())[0].residual is None, "blocks know f itself"


class Drawing(Subdomain):
    """|z - 1|^2 / 2; whoever looks draws a random number and moves a buffer, and so does who centres."""

    def __init__(self, number: int, seen: list[tuple[float, float]], buffer: Tensor) -> None:
        self.number, self.seen, self.buffer = number, seen, buffer

    def _draw(self) -> None:
        self.seen.append((float(torch.rand(())), float(self.buffer)))
        self.buffer += 1

    def centre(self, *_: object) -> None:
        self._draw()

    def evaluate(self, z: Tensor) -> LocalEvaluation:
        self._draw()
        return Bowl(z)


class Bowl(LocalEvaluation):
    whole = True

    def __init__(self, z: Tensor) -> None:
        self.z, self.value = z, 0.5 * float((z - 1).square().sum())

    def gradient(self) -> Tensor:
        return self.z - 1

    def full_gradient(self) -> Tensor:
        return self.z - 1


def test_every_look_begins_with_the_same_random_numbers_and_buffers() -> None:
    whole, buffer, seen = make("burgers"), torch.zeros(()), list[tuple[float, float]]()
    whole.buffers = lambda: [buffer]  # type: ignore[method-assign]
    parts: list[Subdomain] = [Drawing(i, seen, buffer) for i in range(2)]
    with torch.random.fork_rng():
        solved(Division(whole, whole, [parts], SingleProcess(), True, False))
    assert len(seen) > 8 and len(set(seen[2:])) == 1, "the first two centre, before the snapshot"
