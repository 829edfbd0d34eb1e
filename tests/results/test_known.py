"""Pictures of reference solutions."""

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.problems import build
from sapts_pinn.results.known import plot_reference
from small_runs import rod


@pytest.mark.parametrize("name", ["poisson-1d", "poisson-lshape", "cavity"])
def test_a_reference_is_drawn(tmp_path, name):
    path = plot_reference(build(name), tmp_path / "u.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_without_a_reference_there_is_no_picture(tmp_path):
    with pytest.raises(InputError, match=r"rod has no reference to draw"):
        plot_reference(rod(), tmp_path / "u.png")
