"""history.csv: written and read back."""

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.runs.history import read_history, write_history


def test_rows_come_back_as_numbers(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [{"iteration": 1, "rho": None}, {"iteration": 2, "rho": 0.0, "radius": 1e-3}])
    assert read_history(path) == [
        {"iteration": 1.0, "rho": None, "radius": None},
        {"iteration": 2.0, "rho": 0.0, "radius": 1e-3},
    ]


def test_no_file_is_no_rows(tmp_path):
    assert read_history(tmp_path / "history.csv") == []


@pytest.mark.parametrize("text", ["a,b\n1,x\n", "a,b\n1\n", "a,b\n1,2,3\n"])
def test_a_damaged_file_is_refused_with_its_line(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"history\.csv is damaged at line 2"):
        read_history(path)


def test_history_cells_without_a_value_are_empty(tmp_path):
    write_history(tmp_path / "h.csv", [{"a": 1, "b": None}, {"a": 2, "c": 0.5}])
    assert (tmp_path / "h.csv").read_text() == "a,b,c\n1,,\n2,,0.5\n"
