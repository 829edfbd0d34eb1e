"""`sapts-pinn list` and `info`."""

import json
import re
import subprocess
import sys

import pytest

from command_line import ENVIRONMENT, USERS_FILE, command
from sapts_pinn import catalogue


def test_list_names_every_problem_and_method_within_80_columns(capsys):
    status, out, _ = command(capsys, "list")
    assert status == 0 and max(map(len, out.splitlines())) <= 80
    problems, samples = out.split("Data sets, to `train` on\n")
    tables = (
        (problems, [*catalogue.PROBLEMS, *catalogue.METHODS]),
        (samples, [*catalogue.DATA_SETS, *catalogue.METHODS_ON_SAMPLES]),
    )
    for text, names in tables:
        for name in names:
            assert re.search(rf"^  {re.escape(name)}  +\S", text, flags=re.MULTILINE), name
    for name, row in catalogue.DATA_SETS.items():
        assert re.search(rf"^  {name} .*: {', '.join(row.networks)}$", samples, flags=re.MULTILINE)
    assert problems.count("Problems: Poisson\n") == 1


def test_list_as_json(capsys):
    _, out, _ = command(capsys, "list", "--json")
    found = json.loads(out)
    assert {row["name"] for row in found["problems"]} == set(catalogue.PROBLEMS)
    assert found["data_sets"][0] == {
        "name": "mnist",
        "summary": "handwritten digits",
        "networks": ["mlp", "cnn"],
    }


@pytest.mark.parametrize("arguments", [["list"], ["solve", "--help"], ["info", "tr"], ["__complete", "x"]])
def test_what_needs_no_pytorch_does_not_load_it(arguments):
    code = (
        "import sys; from sapts_pinn.cli import main; main(sys.argv[1:]); "
        "print({'torch', 'numpy', 'scipy', 'matplotlib', 'pyvista'} & {*sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "set()", run.stdout


def test_info_of_a_problem(capsys, tmp_path):
    status, out, _ = command(capsys, "info", "burgers", "--picture", tmp_path / "u.png")
    assert status == 0 and (tmp_path / "u.png").read_bytes().startswith(b"\x89PNG")
    for words in (
        "equation    u_t + u u_x - (0.01/pi) u_xx = 0\n",
        "conditions  u = 0 on x=-1, x=1\n",
        "\n              u = -sin(pi x) on t=0\n",
        "reference   Cole-Hopf",
        "J. Comput. Phys.",
        "solve with  sapts-pinn solve burgers\n",
    ):
        assert words in out
    assert max(map(len, out.splitlines())) <= 100


def test_info_of_a_problem_with_an_interface(capsys):
    out = command(capsys, "info", "poisson-interface")[1]
    assert "[(100 where x^2 + y^2 < 0.25, else 1) (u_x n_x + u_y n_y)] = 0 across x^2 + y^2 - 0.25 = 0" in out


def test_info_of_a_variant_has_the_literature_of_its_family(capsys):
    assert "Why it is hard" in command(capsys, "info", "wave-4")[1]


def test_info_of_a_problem_of_pinnacle(capsys):
    out = command(capsys, "info", "pinnacle-ks")[1]
    assert out.startswith("pinnacle-ks\n") and "solve with  sapts-pinn solve pinnacle-ks\n" in out
    assert "no boundary condition" in out


def test_info_of_a_file_a_method_and_a_data_set(capsys, tmp_path):
    (tmp_path / "heat.py").write_text(USERS_FILE)
    out = command(capsys, "info", tmp_path / "heat.py")[1]
    assert "u_t - u_xx = 0" in out and "u = 1 - x on t=0" in out
    assert "sapts-pinn solve burgers --method sapts-d" in command(capsys, "info", "sapts-d")[1]
    assert "sapts-pinn train mnist" in command(capsys, "info", "mnist")[1]
    status, _, err = command(capsys, "info", "sapts-d", "--picture", "u.png")
    assert status == 2 and "is no problem and has no picture" in err


def test_info_of_nothing_suggests_the_nearest(capsys):
    status, _, err = command(capsys, "info", "burgerz")
    assert status == 2 and "unknown name 'burgerz'; did you mean 'burgers'?" in err
