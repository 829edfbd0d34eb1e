"""Child processes to measure in."""

import os

import pytest
import torch

from sapts_pinn.bench.harness import child, options, report


def test_the_peak_of_a_child_is_its_own():
    ballast = torch.ones(500 * 2**20 // 8, dtype=torch.float64)  # 500 MB in this process
    assert child.peak_memory() > ballast.nbytes
    with child.Child() as fresh:
        assert fresh.call(child.peak_memory) < 200 * 2**20


def test_a_child_sees_a_gpu_only_if_it_is_told_so():
    for given, seen in (({}, ""), ({"CUDA_VISIBLE_DEVICES": "1"}, "1")):
        with child.Child(**given) as fresh:
            assert fresh.call(os.getenv, key="CUDA_VISIBLE_DEVICES") == seen


def test_a_child_that_fails_says_why():
    with pytest.raises(RuntimeError, match="--steps must be at least 1, not 0"):
        child.in_child(options.at_least, least=1, steps=0)


def test_a_child_answers_one_call_after_the_other():
    with child.Child() as fresh:
        assert fresh.call(report.geometric, values=[1.0, 100.0]) == pytest.approx(10)
        assert fresh.call(report.spread, values=[2.0]) == "2"
