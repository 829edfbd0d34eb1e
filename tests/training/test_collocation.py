"""Collocation points: how many, the same ones again, and more of them where the residual is large."""

import math

import pytest
import torch
from torch import Tensor, nn

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.pipeline import trainable_model
from sapts_pinn.pipeline.trainable_model import WholeModel
from sapts_pinn.problems import Dirichlet, Initial, Observations, Periodic, Problem, build
from sapts_pinn.training.collocation import Collocation


def problem() -> Problem:
    x = torch.linspace(-0.9, 0.9, 11, dtype=torch.float64)
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u.x - 0.1 * u.xx,
        conditions=[
            Periodic("x", hard=False),
            Initial("u", lambda x: torch.sin(math.pi * x), hard=False),
            Observations("u", {"x": x, "t": 0.5 + 0 * x}, torch.sin(x)),
        ],
    )


def model(of: Problem) -> WholeModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return WholeModel(of, MLP((len(of.ansatz.feature_names), 5, 1)).double())


def collocation(of: Problem, seed: int = 0, sampler: str = "sobol", adaptive: float = 0.5) -> Collocation:
    return Collocation(of, 200, 64, sampler, adaptive, torch.Generator().manual_seed(seed))


def tensors(points: Collocation) -> list[Tensor]:
    return [s.points for s in points.sites.values()]


@pytest.mark.parametrize("sampler", ["uniform", "grid", "lhs", "sobol", "halton"])
@pytest.mark.parametrize("adaptive", [0.0, 0.3, 1.0])
def test_counts_before_and_after_resampling(sampler, adaptive):
    of = problem()
    points = collocation(of, sampler=sampler, adaptive=adaptive)
    for redraw in (False, True, True):
        sites = points.redraw(model(of)) if redraw else points.draw()
        assert sites is points.sites
        counts = {name: s.points.shape[0] for name, s in sites.items()}
        names = [t.name for t in of.terms]
        assert list(counts) == names
        assert list(counts.values()) == [200, 64, 64, 11]  # the pairs of the periodic term count as points
        assert of.domain.inside(sites["equation"].points).all()
        assert [s.fold for s in sites.values()] == [1, 2, 1, 1]


def test_the_same_seed_gives_the_same_points_and_another_others():
    of = problem()
    runs = []
    for seed in (3, 3, 4):
        points = collocation(of, seed)
        points.draw()
        points.redraw(model(of))
        runs.append(tensors(points))
    assert all(torch.equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    assert not torch.equal(runs[0][0], runs[2][0])


def test_resampling_draws_afresh_what_may_be_drawn():
    of = problem()
    points = collocation(of)
    before = [t.clone() for t in (points.draw(), tensors(points))[1]]
    points.redraw(model(of))
    assert [torch.equal(a, b) for a, b in zip(before, tensors(points), strict=True)] == [
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("adaptive", [0.5, 1.0])
def test_points_gather_where_the_residual_is_large(adaptive, monkeypatch):
    """The residual is 100 on a tenth of the domain and 0 elsewhere: there p is 11 of 20."""
    of = problem()
    spike = lambda model, x: torch.where(x[:, 0] > 0.8, 100.0, 0.0).to(x).unsqueeze(0)
    monkeypatch.setattr(trainable_model, "residuals", spike)
    points = Collocation(of, 4000, 64, "sobol", adaptive, torch.Generator().manual_seed(0))
    share = float((points.draw()["equation"].points[:, 0] > 0.8).double().mean())
    assert share == pytest.approx(0.1, abs=0.005)
    share = float((points.redraw(model(of))["equation"].points[:, 0] > 0.8).double().mean())
    # Drawn without replacement from a pool four times the whole set: 0.4 is the most there can be.
    assert share > 0.1 * (1 - adaptive) + min(0.4 * adaptive, 0.35)


def test_the_residual_is_that_of_the_model():
    of = build("burgers")
    net = model(of)
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(3)
    points = Collocation(of, 2000, 10, "sobol", 1.0, torch.Generator().manual_seed(1))
    uniform = net.residuals(points.draw()["equation"].points).abs().mean()
    assert net.residuals(points.redraw(net)["equation"].points).abs().mean() > 1.2 * uniform


def test_state_continues_bit_for_bit(tmp_path):
    of = problem()
    points = collocation(of)
    points.draw()
    points.redraw(model(of))
    torch.save(points.state_dict(), tmp_path / "points.pt")
    again = collocation(of, seed=99)
    again.load_state_dict(torch.load(tmp_path / "points.pt", weights_only=True))
    for _ in range(2):
        for name, s in points.sites.items():
            for field in ("points", "normals", "values"):
                a, b = getattr(s, field), getattr(again.sites[name], field)
                assert (a is None and b is None) or torch.equal(a, b)
            assert again.sites[name].fold == s.fold
        points.redraw(model(of))
        again.redraw(model(of))


def test_nothing_but_its_own_generator_is_used():
    of = problem()
    before = torch.get_rng_state()
    points = collocation(of)
    points.draw()
    points.redraw(model(of))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, "sobol", 0.5), "points must be positive, not 0 and 5"),
        ((5, 0, "sobol", 0.5), "points must be positive, not 5 and 0"),
        ((5, 5, "sobl", 0.5), "unknown sampler 'sobl'; choose one of"),
        ((5, 5, "sobol", 1.5), r"adaptive must lie in \[0, 1\], not 1.5"),
        ((5, 5, "sobol", math.nan), r"adaptive must lie in \[0, 1\], not nan"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Collocation(problem(), *arguments, torch.Generator())


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_model_with_bad_residuals_is_refused_in_words():
    of = Problem(
        domain=Interval(0, 1), unknowns="u", equation=lambda u, x: u.xx, conditions=[Dirichlet("u", 0.0)]
    )
    net = model(of)
    nn.init.constant_(net.network[0].weight, math.nan)
    points = collocation(of)
    points.draw()
    with pytest.raises(ValueError, match="finite residual"):
        points.redraw(net)
