"""The configuration of a run folder: what is no configuration is refused in a sentence."""

import pytest

from sapts_pinn import Solution
from sapts_pinn.errors import InputError
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
