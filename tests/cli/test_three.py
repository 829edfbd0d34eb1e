"""`sapts-pinn solve --method sapts`."""

import json

from command_line import QUICK, command
from sapts_pinn.catalogue import SAPTS


def test_the_three_methods_are_run_and_compared(capsys, tmp_path):
    folder = tmp_path / "runs"
    status, out, _ = command(
        capsys, "solve", "poisson-1d", "--method", "sapts", "--budget", "2 iterations", "--out", folder,
        "--network", "4,4", *QUICK[2:],
    )  # fmt: skip
    assert status == 0
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[-6:-3]] == list(SAPTS), out
    for name in SAPTS:
        assert json.loads((folder / name / "result.json").read_text())["method"] == name
        assert (folder / name / "report.html").is_file()


def test_as_json_it_is_one_object(capsys, tmp_path):
    status, out, _ = command(
        capsys, "solve", "poisson-1d", "--method", "sapts", "--budget", "1 iterations", "--json",
        "--network", "4,4", "--out", tmp_path / "runs", *QUICK[2:],
    )  # fmt: skip
    assert status == 0 and list(json.loads(out)) == list(SAPTS)


def test_it_neither_goes_on_with_a_run_nor_is_split_over_ranks(capsys, tmp_path, monkeypatch):
    status, _, err = command(capsys, "solve", "--resume", tmp_path, "--method", "sapts")
    assert status == 2 and "continue one of them with --resume FOLDER and no --method" in err
    monkeypatch.setenv("WORLD_SIZE", "2")
    status, _, err = command(capsys, "solve", "burgers", "--method", "sapts")
    assert status == 2 and "name one of sapts-d, sapts-p, sapts-ip" in err
