"""The command that repeats a run does repeat it."""

import json
import shlex

from command_line import QUICK, command
from sapts_pinn.results.repeat import command as repeats


def test_the_command_repeats_the_run(capsys, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    options = ["--method", "sapts-d", "--budget", "3 iterations", "--option", "visits=1", "--no-symmetry"]
    command(capsys, "solve", "poisson-1d", *options, "--quiet", *QUICK, "--out", first)
    text = repeats(json.loads((first / "config.json").read_text()))
    assert text is not None and text.startswith("sapts-pinn solve poisson-1d --method sapts-d")
    status, _, err = command(capsys, *shlex.split(text)[1:], "--quiet", "--out", second)
    assert status == 0, err
    losses = [json.loads((folder / "result.json").read_text())["loss"] for folder in (first, second)]
    assert losses[0] == losses[1]


def test_what_cannot_be_written_has_no_command():
    assert repeats({"source": None, "method": "tr"}) is None
    assert repeats({"source": "burgers", "method": "tr", "network": "Sequential(...)"}) is None


def test_ranks_and_data_sets():
    assert repeats({"source": "a b.py:heat", "method": "tr", "world_size": 2}) == (
        "torchrun --nproc-per-node=2 -m sapts_pinn solve 'a b.py:heat' --method tr"
    )
    found = repeats({"task": "mnist", "method": "adam", "network": "cnn", "options": {"lr": 0.1}})
    assert found == "sapts-pinn train mnist --method adam --network cnn --option lr=0.1"
