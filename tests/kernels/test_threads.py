"""Threads for the kernels: every item once, the caller works too, failures come back."""

from __future__ import annotations

import threading

import pytest

from sapts_pinn.kernels.threads import in_parallel


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("items", [0, 1, 2, 3, 7, 64])
def test_every_item_belongs_to_one_worker(workers: int, items: int) -> None:
    shares: dict[int, range] = {}
    in_parallel(workers, items, lambda worker, first, last: shares.update({worker: range(first, last)}))
    assert sorted(shares) == list(range(workers))
    assert [i for worker in range(workers) for i in shares[worker]] == list(range(items))
    sizes = [len(share) for share in shares.values()]
    assert max(sizes) - min(sizes) <= 1


def test_workers_run_at_the_same_time_and_the_first_is_the_caller() -> None:
    together, names = threading.Barrier(3, timeout=30), {}

    def task(worker: int, first: int, last: int) -> None:
        together.wait()  # passes only if all three are there
        names[worker] = threading.get_ident()

    in_parallel(3, 3, task)
    assert names[0] == threading.get_ident() and len(set(names.values())) == 3


@pytest.mark.parametrize("fails", [0, 1])
def test_a_failure_of_any_worker_is_the_callers(fails: int) -> None:
    def task(worker: int, first: int, last: int) -> None:
        if worker == fails:
            raise ArithmeticError(f"of worker {worker}")

    with pytest.raises(ArithmeticError, match=f"of worker {fails}"):
        in_parallel(2, 4, task)
