"""Source of a command's problem: a name of the zoo, or an object in the user's file."""

import sys

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.solving.sources import load_source, raised_by_user

HEAD = "from sapts_pinn import Dirichlet, Problem\nfrom sapts_pinn.geometry import Interval\n"
MAKE = "Problem(Interval(0, 1), 'u', lambda u: u.xx + 1, [Dirichlet('u', 0)]"


@pytest.fixture
def file(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(HEAD + text)
        return path

    return write


def test_a_name_stands_for_a_problem_of_the_zoo():
    found = load_source("poisson-1d")
    assert (found.text, found.short, found.problem.name) == ("poisson-1d",) * 2 + ("poisson-1d",)


def test_the_only_problem_of_a_file_or_the_one_named(file, monkeypatch):
    path = file(f"a = {MAKE})\nalias = a\n")
    found = load_source(str(path))
    assert found.text == f"{path}:a" and found.short == "mine", "it was given no name"
    path = file(f"a = {MAKE})\nb = {MAKE}, name='second')\n")
    found = load_source(f"{path}:b")
    assert (found.text, found.short) == (f"{path}:b", "second")
    monkeypatch.chdir(path.parent)
    assert load_source("mine.py:b").text == f"{path}:b", "another folder finds it, too"
    with pytest.raises(InputError, match=r"holds 2 problems; choose one of mine\.py:a, mine\.py:b"):
        load_source("mine.py")


def test_modules_beside_the_file_are_found_and_its_prints_go_aside(file, capsys):
    file("size = 3.0\n", "beside_the_file.py")
    path = file(f"from beside_the_file import size\nprint('read', size)\na = {MAKE})\n")
    before = [*sys.path]
    load_source(str(path))
    assert sys.path == before and capsys.readouterr() == ("", "read 3.0\n")
    del sys.modules["beside_the_file"]


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("x = 1 / 0\n", "", r"mine.py, line 3: ZeroDivisionError: division by zero"),
        ("x = = 1\n", "", r"mine.py, line 3: invalid syntax"),
        ("raise SystemExit(2)\n", "", "SystemExit: 2"),
        ("x = 1\n", "", "holds no Problem; write name = Problem"),
        ("x = 1\n", ":x", "'x' in .* is no Problem, its type is int"),
        (f"a = {MAKE})\n", ":b", "has no object 'b'; choose one of mine.py:a"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(file, text, name, sentence):
    path = file(text)
    with pytest.raises(InputError, match=sentence) as caught:
        load_source(f"{path}{name}")
    assert "\n" not in str(caught.value)


def test_a_mistyped_file_is_guessed(file):
    path = file("")
    with pytest.raises(InputError, match=r"there is no file .*mien\.py; did you mean 'mine\.py'"):
        load_source(str(path.with_name("mien.py")))


def test_errors_of_the_users_functions_are_told_from_ours(file):
    path = file(f"def broken(u):\n    return {{}}['key']\na = {MAKE})\n")
    load_source(str(path))
    module = sys.modules["sapts_pinn_user_problem"]
    with pytest.raises(KeyError) as theirs:
        module.broken(None)
    assert raised_by_user(theirs.value)
    with pytest.raises(KeyError) as ours:
        {}["key"]
    assert not raised_by_user(ours.value)
