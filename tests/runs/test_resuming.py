"""Settings of a resumed run: kept, changed and said, or refused."""

import warnings
from pathlib import Path

import pytest

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.problems import build
from sapts_pinn.runs.checkpoint import save_checkpoint
from sapts_pinn.runs.resuming import kept_options, kept_settings, load_state, redrawn


@pytest.mark.parametrize("resume", [True, 3, ["runs/a"]])
def test_resume_takes_a_path(resume):
    with pytest.raises(InputError, match="resume must be a run folder or a checkpoint"):
        solve(build("poisson-1d"), budget="1 iterations", resume=resume)


PATH = Path("runs/a/checkpoint.pt")


def state(options=None, **settings):
    """A checkpoint of two ranks, as far as settings go."""
    return {
        "world_size": 2,
        "config": {"network": [6, 6], "activation": "sin"},
        "settings": {"points": 64, "sampler": "sobol", "options": options or {}, **settings},
    }


def test_a_checkpoint_is_found_by_its_folder_its_name_or_its_rank(tmp_path):
    save_checkpoint(tmp_path / "checkpoint.pt", {"rank": 0})
    save_checkpoint(tmp_path / "checkpoint-rank1.pt", {"rank": 1})
    for given in (tmp_path, str(tmp_path), tmp_path / "checkpoint.pt"):
        path, found = load_state(given)
        assert (path, found["rank"]) == (tmp_path / "checkpoint.pt", 0)
    path, found = load_state(tmp_path, shard=1)
    assert (path.name, found["rank"]) == ("checkpoint-rank1.pt", 1)
    with pytest.raises(InputError, match=f"there is no checkpoint {tmp_path / 'b' / 'checkpoint.pt'}"):
        load_state(tmp_path / "b")


def test_what_is_not_given_is_as_it_was():
    kept = kept_settings(state())
    assert kept == {"network": (6, 6), "activation": "sin", "points": 64, "sampler": "sobol"}
    own = {**state(), "config": {"network": "Sequential(...)", "activation": "tanh"}}
    assert "network" not in kept_settings(own), "a module of the user's only the user can give"
    former = {"config": {}, "trainer": {"collocation": {"sites": {"equation": {"points": [0] * 9}}}}}
    assert kept_settings(former) == {"points": 9}, "of an earlier version"


def test_options_are_those_of_the_saved_optimizer_and_others_are_refused():
    saved = state({"radius": 0.5, "parts": 4})
    assert kept_options(saved, None, 2, PATH) == {"radius": 0.5, "parts": 4}
    assert kept_options(saved, None, 3, PATH) == {"radius": 0.5}, "parts follow the number of ranks"
    assert kept_options(saved, {"radius": 0.5, "parts": 6}, 3, PATH) == {"radius": 0.5, "parts": 6}
    for given, was, now in (({"radius": 1.0}, "0.5", "1.0"), ({}, "0.5", "null")):
        with pytest.raises(
            InputError, match=f"option radius={was}, which is part of its .* cannot go on with radius={now}"
        ):
            kept_options(saved, given, 2, PATH)
    former = {**saved, "settings": {}}
    assert (
        kept_options(former, {"radius": 9}, 2, PATH) == {"radius": 9}
        and kept_options(former, None, 2, PATH) == {}
    )


def test_points_of_another_number_or_kind_are_drawn_anew_which_is_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not redrawn(state(), {"points": 64, "sampler": "sobol", "adaptive": 0.5}, PATH)
    sentence = (
        "checkpoint.pt goes on with points=32 in place of 64, sampler=lhs in place of sobol: its points are"
    )
    with pytest.warns(UserWarning, match=sentence):
        assert redrawn(state(), {"points": 32, "sampler": "lhs"}, PATH)
