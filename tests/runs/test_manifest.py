"""The configuration of a run folder: what is no configuration is refused in a sentence."""

import pytest

from sapts_pinn import Solution, solve
from sapts_pinn.errors import InputError
from sapts_pinn.problems import build
from sapts_pinn.runs.manifest import read_config
from sapts_pinn.supervised.trained import Trained


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"method": "tr"}', '{"method":', b"\xff\xfe{"])
@pytest.mark.parametrize("read", [read_config, Solution.load, Trained.load])
def test_what_is_no_configuration_is_refused(tmp_path, read, content):
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "config.json").write_bytes(data)
    with pytest.raises(InputError, match=r"config\.json is damaged"):
        read(tmp_path)


def test_a_folder_without_one_holds_no_run(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        read_config(tmp_path)


@pytest.mark.parametrize("resume", [True, 3, ["runs/a"]])
def test_resume_takes_a_path(resume):
    with pytest.raises(InputError, match="resume must be a run folder or a checkpoint"):
        solve(build("poisson-1d"), budget="1 iterations", resume=resume)
