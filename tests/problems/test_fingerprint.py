"""Problems are told apart by their values, and a run goes on, or is loaded, with the same one only."""

import json
import warnings

import pytest
import torch

from sapts_pinn import (
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Solution,
    Unknown,
    solve,
)
from sapts_pinn.geometry import Ball, Box, Interval, Time
from sapts_pinn.problems.fingerprint import difference, fingerprint
from sapts_pinn.problems.zoo import ZOO, build
from sapts_pinn.runs.checkpoint import load_checkpoint, save_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
SMALL = {"network": (4,), "points": 32, "condition_points": 8}
X = torch.linspace(0.1, 0.9, 300, dtype=torch.float64)


def rod(equation=lambda u: u.xx + 1, left=0.0, domain=None, **given) -> Problem:
    conditions = given.pop("conditions", [Dirichlet("u", left)])
    return Problem(domain or Interval(0, 1), "u", equation, conditions, name="rod", symmetry=False, **given)


def observed(values, **given):
    return rod(lambda u, c: u.xx + c, conditions=[Observations("u", {"x": X}, values, **given)],
               coefficients=[Coefficient("c", 1.0)])  # fmt: skip


def spot(at):
    return lambda u, x: u.xx + torch.where((x - at).abs() < 0.01, 50.0, 0.0)


def heat(start):
    return Problem(
        Interval(0, 1) * Time(0, 1), "u", lambda u: u.t - u.xx, [Dirichlet("u", 0.0), Initial("u", start)]
    )


def plate(radius, flux):
    on = [Dirichlet("u", 0.0, "x"), Neumann("u", flux, "y")]
    return Problem(Box((0, 0), (1, 1)) - Ball((0.5, 0.5), radius), "u", lambda u: u.xx + u.yy, on)


UNLIKE = {
    "a source": lambda: (rod(), rod(lambda u: u.xx + 5), "the equation"),
    "a small source beside a large coefficient": lambda: (
        rod(lambda u: 210e9 * u.xx + 7.85e4),
        rod(lambda u: 210e9 * u.xx + 7.86e4),
        "the equation",
    ),
    "a small coefficient beside a large one": lambda: (
        rod(lambda u: 1e12 * u.xx + 1e-3 * u),
        rod(lambda u: 1e12 * u.xx + 2e-3 * u),
        "the equation",
    ),
    "a spot": lambda: (rod(spot(0.3)), rod(spot(0.31)), "the equation"),
    "a derivative": lambda: (rod(lambda u: u.xx + 1), rod(lambda u: u.xx + 1 + 0 * u.x), "the equation"),
    "an exponent": lambda: (rod(lambda u: u.xx + u**2), rod(lambda u: u.xx + u**3), "the equation"),
    "a boundary value": lambda: (rod(left=0.0), rod(left=1e-12), "the condition on"),
    "an initial value": lambda: (
        heat(lambda x: x * (1 - x)),
        heat(lambda x: 2 * x * (1 - x)),
        "the condition on",
    ),
    "a flux": lambda: (plate(0.2, 1.0), plate(0.2, lambda x: 1 + x), "the condition on"),
    "a radius": lambda: (plate(0.2, 1.0), plate(0.21, 1.0), "the shape of the domain"),
    "an end": lambda: (rod(), rod(domain=Interval(0, 1 + 1e-6)), "the bounds of the domain"),
    "one value of many": lambda: (
        observed(X),
        observed(torch.where(X == X[150], X + 1e-3, X)),
        "the condition on",
    ),
    "a weight": lambda: (observed(X, weight=1.0), observed(X, weight=2.0), "the weight of"),
    "a first guess": lambda: (
        observed(X),
        rod(
            lambda u, c: u.xx + c,
            conditions=[Observations("u", {"x": X}, X)],
            coefficients=[Coefficient("c", 2.0)],
        ),
        "the coefficients",
    ),
    "a condition more": lambda: (
        heat(0.0),
        Problem(Interval(0, 1) * Time(0, 1), "u", lambda u: u.t - u.xx, [Periodic("x"), Initial("u", 0.0)]),
        "all unknowns in x' is new",
    ),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_problems_of_other_values_are_told_apart(name):
    a, b, part = UNLIKE[name]()
    then, now = json.loads(json.dumps(fingerprint(a))), fingerprint(b)
    assert part in str(difference(then, now))
    assert difference(then, fingerprint(a)) is None and difference(now, now) is None


@pytest.mark.parametrize("name", ZOO)
def test_the_same_problem_made_again_is_the_same(name):
    assert difference(json.loads(json.dumps(fingerprint(build(name)))), fingerprint(build(name))) is None


def test_other_ways_to_write_an_equation_are_the_same():
    a, b = rod(lambda u, x: u.xx + (1 + x) ** 2), rod(lambda u, x: 1 + 2 * x + x * x + u.d("x", "x"))
    assert difference(fingerprint(a), fingerprint(b)) is None


def test_rounding_of_another_processor_makes_no_difference():
    a = json.loads(json.dumps(fingerprint(build("burgers"))))

    def rounded(value, k=0):
        if isinstance(value, float):
            return value * (1 + 1e-14 * (-1) ** k)
        if isinstance(value, list):
            return [rounded(v, i) for i, v in enumerate(value)]
        return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value

    assert difference(a, rounded(a)) is None


# -- runs ----------------------------------------------------------------------------------------------------


def test_a_run_of_another_equation_is_neither_continued_nor_loaded(tmp_path):
    one, other = (rod(equation) for equation in (lambda u: u.xx + 1, lambda u: u.xx + 5))
    folder = tmp_path / "run"
    solve(one, budget="3 iterations", out=folder, **SMALL)
    for call in (
        lambda: solve(other, budget="9 iterations", resume=folder, **SMALL),
        lambda: Solution.load(folder, other),
    ):
        with pytest.raises(ValueError, match=r"other values \(the equation: .*, not .*restore the problem"):
            call()
    assert solve(one, budget="9 iterations", resume=folder, **SMALL).result["iterations"] == 9
    Solution.load(folder, one).save(tmp_path / "saved")
    with pytest.raises(ValueError, match="other values"):
        Solution.load(tmp_path / "saved", other)


WINDOWED = {
    "of first order": lambda: Problem(Time(0, 3), "u", lambda u: u.t + u, [Initial("u", 1.0)]),
    "of second order": lambda: Problem(
        Time(0, 3), "u", lambda u: u.tt + u, [Initial("u", 1.0, velocity=0.5)]
    ),
    "in space": lambda: heat(lambda x: 1000 * x * (1 - x)),
}


@pytest.mark.parametrize("name", WINDOWED)
def test_windows_that_are_loaded_say_what_was_trained(name, tmp_path):
    problem = WINDOWED[name]()
    trained = solve(problem, windows=3, budget="12 iterations", out=tmp_path / "run", **SMALL)
    points = {x: torch.linspace(0, upper, 20).double() for x, upper in
              zip(problem.domain.names, problem.domain.bounds[1].tolist(), strict=True)}  # fmt: skip
    loaded = Solution.load(tmp_path / "run", problem)
    assert torch.equal(loaded.predict(points), trained.predict(points))
    assert loaded.problem.natural == trained.problem.natural


REWORDED = {
    "terms in another order": (lambda u, x: u.xx + u**2 - 2 * x, lambda u, x: -2 * x + u * u + u.xx),
    "a derivative by name": (lambda u: u.xx + 1, lambda u: u.d("x", "x") + 1.0),
    "a factor taken out": (lambda u, x: 2 * u.xx + 2 * x, lambda u, x: 2 * (u.xx + x)),
    "another function": (lambda u, x: u.xx + torch.exp(x), lambda u, x: u.xx + torch.e**x),
}


@pytest.mark.parametrize("name", REWORDED)
def test_a_run_of_the_same_problem_in_other_words_is_loaded_and_goes_on(name, tmp_path):
    here, there = (rod(equation) for equation in REWORDED[name])
    trained = solve(here, budget="3 iterations", out=tmp_path / "run", **SMALL)
    loaded = Solution.load(tmp_path / "run", there)
    assert torch.equal(loaded.predict({"x": X}), trained.predict({"x": X}))
    assert solve(there, budget="5 iterations", resume=tmp_path / "run", **SMALL).result["iterations"] == 5


def test_a_network_is_loaded_in_the_units_it_was_trained_in(tmp_path, monkeypatch):
    here = rod(lambda u: u.xx + 1e-3)
    trained = solve(here, budget="3 iterations", out=tmp_path / "run", **SMALL)
    monkeypatch.setattr("sapts_pinn.problems.scales.DIGITS", 3)  # as another version might find them
    again = rod(lambda u: u.xx + 1e-3)
    assert again.natural != here.natural
    loaded = Solution.load(tmp_path / "run", again)
    assert torch.equal(loaded.predict({"x": X}), trained.predict({"x": X}))
    with pytest.raises(ValueError, match="scales given"):
        Solution.load(tmp_path / "run", rod(lambda u: u.xx + 1e-3, scales={"u": 2.0}))


def test_scales_that_are_given_are_compared():
    def of(**scales: float) -> Problem:
        return rod(lambda u: u.xx + 1e-3, scales=scales)

    recorded = fingerprint(of(u=2.0))
    assert difference(recorded, fingerprint(of(u=2.0))) is None
    assert difference(recorded, fingerprint(of(u=3.0))) == "the scales given: 3, not 2, at a fixed probe"
    assert difference(recorded, fingerprint(rod(lambda u: u.xx + 1e-3))) == "the scales given is gone"


def test_windows_of_another_equation_are_not_loaded(tmp_path):
    settings = {**SMALL, "windows": 2, "budget": "4 iterations", "out": tmp_path / "run"}
    solve(heat(lambda x: x * (1 - x)), **settings)
    Solution.load(tmp_path / "run", heat(lambda x: x * (1 - x)))
    with pytest.raises(ValueError, match="other values"):
        Solution.load(tmp_path / "run", heat(lambda x: 3 * x * (1 - x)))


def test_a_run_of_an_earlier_version_is_continued_with_a_warning(tmp_path):
    path = tmp_path / "run" / "checkpoint.pt"
    solve(rod(), budget="3 iterations", out=path.parent, **SMALL)
    state = load_checkpoint(path)
    del state["config"]["fingerprint"], state["settings"]
    save_checkpoint(path, state)
    with pytest.warns(UserWarning, match="kept no values of its problem to compare"):
        assert solve(rod(), budget="5 iterations", resume=path, **SMALL).result["iterations"] == 5


# -- settings of a run that goes on --------------------------------------------------------------------------


def test_what_is_not_given_is_as_it_was(tmp_path):
    folder, settings = tmp_path / "run", {**SMALL, "sampler": "lhs", "resample": 2, "adaptive": 0.25}
    whole = solve(rod(), budget="9 iterations", options={"radius": 0.5}, **settings)
    solve(rod(), budget="4 iterations", out=folder, options={"radius": 0.5}, **settings)
    rest = solve(rod(), budget="9 iterations", resume=folder)
    assert rest.result["loss"] == whole.result["loss"]
    kept = (*settings, "options")
    config = json.loads((folder / "config.json").read_text())
    assert {name: config[name] for name in kept} == json.loads(
        json.dumps({**settings, "options": {"radius": 0.5}})
    )


@pytest.mark.parametrize(
    ("changed", "size"), [({"points": 64}, 64), ({"points": 16}, 16), ({"sampler": "lhs"}, 32)]
)
def test_other_points_are_drawn_and_this_is_said(tmp_path, changed, size):
    folder = tmp_path / "run"

    def points():
        sites = load_checkpoint(folder / "checkpoint.pt")["trainer"]["collocation"]["sites"]
        return sites["equation"]["points"]

    solve(rod(), budget="3 iterations", out=folder, **SMALL)
    before = load_checkpoint(folder / "checkpoint.pt")["trainer"]["collocation"]["sites"]["equation"][
        "points"
    ]
    ((name, value),) = changed.items()
    with pytest.warns(UserWarning, match=f"goes on with {name}={value} in place of"):
        solve(rod(), budget="6 iterations", resume=folder, resample=0, **changed)
    after = points()
    assert len(after) == size and (len(after) != len(before) or not torch.equal(after, before))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(rod(), budget="8 iterations", resume=folder)


def test_an_option_that_would_not_take_effect_is_refused(tmp_path):
    for method, option in (("tr", {"radius": 0.1}), ("adam", {"lr": 0.1})):
        folder = tmp_path / method
        solve(rod(), budget="3 iterations", out=folder, method=method, **SMALL)
        with pytest.raises(ValueError, match=r"cannot go on with .*drop the option, or start anew"):
            solve(rod(), budget="6 iterations", resume=folder, method=method, options=option)


def test_the_value_that_a_positive_unknown_starts_from_is_compared():
    def decay(init):
        k = Unknown("k", of="x", positive=True, init=init)
        data = Observations("u", {"x": [0.2, 0.8], "t": [0.5, 0.5]}, [1.0, 2.0])
        return fingerprint(Problem(Interval(0, 1) * Time(0, 1), ("u", k), lambda u, k: u.t + k * u, [data]))

    then, now = decay(0.5), decay(0.4)
    assert difference(then, decay(0.5)) is None
    assert "'k(x), positive, starting from 0.4', not 'k(x), positive, starting" in difference(then, now)
    del then["parts of the problem"]["what is known of the unknowns"]  # as recorded before it was compared
    assert difference(then, now) is None
