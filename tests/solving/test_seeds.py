"""Several seeds in one call, and an ensemble that goes on."""

import shutil

import numpy as np
import pytest

from sapts_pinn import solve
from sapts_pinn.ensemble import Ensemble, ensemble
from sapts_pinn.errors import InputError
from small_runs import SMALL, rod

X = {"x": np.linspace(0, 1, 5)}


def test_seeds_of_solve_are_an_ensemble():
    found = solve(rod(), seeds=[1, 4], budget="3 iterations", **SMALL)
    same = ensemble(rod(), [1, 4], budget="3 iterations", **SMALL)
    assert isinstance(found, Ensemble) and list(found.solutions) == [1, 4]
    np.testing.assert_array_equal(found.predict(X), same.predict(X))
    assert found.solutions[4].result["seed"] == 4
    assert list(solve(rod(), seeds=2, budget="1 iteration", **SMALL).solutions) == [0, 1]


def test_an_interrupted_ensemble_goes_on_with_the_settings_it_had(tmp_path):
    whole = solve(rod(), seeds=3, budget="6 iterations", method="adam", out=tmp_path / "whole", **SMALL)
    part = tmp_path / "part"
    solve(rod(), seeds=2, budget="6 iterations", method="adam", out=part, **SMALL)
    shutil.rmtree(part / "seed1")
    solve(rod(), seed=1, budget="3 iterations", method="adam", out=part / "seed1", **SMALL)
    before = (part / "seed0" / "checkpoint.pt").stat().st_mtime_ns
    found = solve(rod(), seeds=3, budget="6 iterations", resume=part)
    assert (part / "seed0" / "checkpoint.pt").stat().st_mtime_ns == before, "it had ended"
    for seed, one in whole.solutions.items():
        assert found.solutions[seed].result["loss"] == one.result["loss"]
        assert found.solutions[seed].config["points"] == SMALL["points"]
    with pytest.raises(InputError, match=r"seed0 is of another run: its method is 'adam', not 'tr'"):
        solve(rod(), seeds=3, budget="6 iterations", method="tr", resume=part)
    longer = solve(rod(), seeds=2, budget="8 iterations", resume=part)
    assert [s.result["iterations"] for s in longer.solutions.values()] == [8, 8]


def test_mistakes_are_sentences(tmp_path):
    one = solve(rod(), budget="1 iteration", **SMALL)
    with pytest.raises(InputError, match="two or more different seeds, not 1"):
        solve(rod(), seeds=1)
    with pytest.raises(InputError, match=r"two or more different seeds, not 1.5"):
        solve(rod(), seeds=1.5)
    with pytest.raises(InputError, match="drop seed, and give seeds"):
        solve(rod(), seeds=2, seed=3)
    with pytest.raises(InputError, match="init would give all seeds the same start"):
        solve(rod(), seeds=2, init=one)
    with pytest.raises(InputError, match=r"there is no folder .*nowhere whose seeds could go on"):
        solve(rod(), seeds=2, resume=tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"seeds go on in their own folder .*: drop out='elsewhere'"):
        solve(rod(), seeds=2, resume=tmp_path, out="elsewhere")
    (tmp_path / "seed0").mkdir()
    with pytest.raises(InputError, match="the folder holds seeds: give seeds= as well"):
        solve(rod(), resume=tmp_path)
