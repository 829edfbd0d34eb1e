"""Connection to ranks as far as one process can see it; real ones are in tests/distributed."""

from __future__ import annotations

import socket

import pytest
import torch

from sapts_pinn.errors import InputError, RankFailure
from sapts_pinn.parallel import torchrun
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.parallel.torchrun import Distributed, connect


def variables(monkeypatch: pytest.MonkeyPatch, **others: object) -> int:
    """The variables that `torchrun` sets, with a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    usual = {"RANK": 1, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in {**usual, **others}.items():
        monkeypatch.setenv(name, str(value))
    return port


def test_a_process_of_its_own_has_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, WORLD_SIZE=1, RANK=0)
    assert type(connect()) is SingleProcess and torchrun._open == []


def test_ranks_that_do_not_come_are_told_with_place_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    port = variables(monkeypatch)
    with pytest.raises(
        RankFailure, match=rf"^the 2 ranks did not all meet at 127\.0\.0\.1:{port} within 0\.2 s \("
    ):
        connect(timeout=0.2)
    assert torchrun._open == [] and not torch.distributed.is_initialized()


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match=r'^no GPU is visible to this rank; use device "cpu"$'):
        connect("cuda")


@pytest.mark.parametrize(
    ("gpus", "local", "here", "wire"), [(2, 1, 2, "cuda:1"), (1, 1, 2, "cpu"), (4, 1, 4, "cuda:1")]
)
def test_ranks_that_share_a_gpu_exchange_through_memory(
    monkeypatch: pytest.MonkeyPatch, gpus: int, local: int, here: int, wire: str
) -> None:
    """Each takes the next GPU as its current one all the same."""
    taken: list[int] = []
    variables(monkeypatch, LOCAL_RANK=local, LOCAL_WORLD_SIZE=here)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    assert torchrun._wire(torch.device("cuda")) == torch.device(wire) and taken == [local % gpus]
    assert torchrun._wire(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("other", [1, -1, 3])
def test_messages_go_to_another_rank_of_the_group(other: int) -> None:
    rank = Distributed.__new__(Distributed)
    rank.rank, rank.size = 1, 3
    assert rank._other(2) == 2
    with pytest.raises(InputError, match=f"rank 1 of 3 cannot exchange messages with rank {other}"):
        rank._other(other)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bool, torch.int64, torch.complex64])
def test_tensors_of_every_type_go_as_bytes_and_come_back(dtype: torch.dtype) -> None:
    rank = Distributed.__new__(Distributed)
    rank._wire = torch.device("cpu")
    tensor = torch.arange(12).reshape(3, 4).T.to(dtype)
    data = rank._bytes(tensor)
    assert data.dtype == torch.uint8 and len(data) == len(rank._space(tensor)) == tensor.nbytes
    back = torchrun._tensor(data, tensor)
    assert back.dtype == dtype and torch.equal(back, tensor)
