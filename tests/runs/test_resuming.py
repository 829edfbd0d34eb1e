"""Settings of a resumed run: kept, changed and said, or refused."""

import pytest

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.problems import build


@pytest.mark.parametrize("resume", [True, 3, ["runs/a"]])
def test_resume_takes_a_path(resume):
    with pytest.raises(InputError, match="resume must be a run folder or a checkpoint"):
        solve(build("poisson-1d"), budget="1 iterations", resume=resume)
