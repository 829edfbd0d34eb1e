"""The number of threads of a run."""

import pytest
import torch

from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.parallel.threads import number_of_threads


def test_a_run_has_its_threads_and_the_process_its_own_again():
    before, seen = torch.get_num_threads(), []
    found = solve(
        heat(), budget="2 iterations", threads=3, callbacks=lambda run: seen.append(run.threads), **SHORT
    )
    assert seen == [3, 3] and found.config["threads"] == found.result["threads"] == 3
    assert torch.get_num_threads() == before


def test_the_number_is_restored_after_an_error():
    before = torch.get_num_threads()

    def fail():
        with number_of_threads(before + 1):
            assert torch.get_num_threads() == before + 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "two"])
def test_what_is_no_number_of_threads_is_refused(count):
    with pytest.raises(InputError, match="threads must be a positive whole number"):
        solve(heat(), threads=count)
