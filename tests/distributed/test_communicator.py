"""Real processes: what ranks tell each other, and what survivors say of a dead one."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from sapts_pinn.bench.harness.delayed import Delayed
from sapts_pinn.errors import RankFailure
from sapts_pinn.parallel import torchrun as distributed
from sapts_pinn.parallel.agreement import check_same
from sapts_pinn.parallel.torchrun import connect

TYPES = [torch.float64, torch.float32, torch.int64, torch.bool]
SHAPES: list[tuple[int, ...]] = [(), (0,), (7,), (3, 4)]


def numbers(rank: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Numbers of very different sizes, so that a sum depends on its order."""
    g = torch.Generator().manual_seed(17 * rank + len(shape))
    x = torch.randn(shape, generator=g, dtype=torch.float64)
    return (x > 0) if dtype == torch.bool else (x * 10.0 ** torch.randint(0, 9, shape, generator=g)).to(dtype)


def failure(operation) -> str:
    try:
        operation()
    except (RankFailure, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was raised"


def talk(ports):
    """Everything that three ranks can do while all is well, then the ends."""
    began = time.perf_counter()
    c = connect()
    out = {"rank": (c.rank, c.size)}
    x = torch.ones(10, dtype=torch.float64)

    def counted(operation):
        before = (c.traffic.collectives, c.traffic.messages, c.traffic.bytes)
        operation()
        after = (c.traffic.collectives, c.traffic.messages, c.traffic.bytes)
        return tuple(b - a for a, b in zip(before, after, strict=True))

    out["at first"] = (c.traffic.collectives, c.traffic.messages, c.traffic.bytes, c.traffic.seconds)
    for dtype in TYPES:
        for shape in SHAPES:
            mine = numbers(c.rank, shape, dtype)
            out["gather", dtype, shape] = c.all_gather(mine)
            out["sum", dtype, shape] = c.all_reduce(mine)
            out["broadcast", dtype, shape] = c.broadcast(mine, source=1)
            if c.rank:  # a message goes around; of two neighbours one sends first
                out["ring", dtype, shape] = c.receive(mine, c.rank - 1)
            c.send(mine, (c.rank + 1) % 3)
            if not c.rank:
                out["ring", dtype, shape] = c.receive(mine, 2)
    out["transposed"] = c.all_gather(numbers(c.rank, (3, 4), torch.float64).T)
    with_grad = numbers(c.rank, (7,), torch.float64).requires_grad_()
    out["no gradient"] = [t.requires_grad for t in (*c.all_gather(with_grad), c.broadcast(with_grad))]
    out["dot"] = c.dot(mine := numbers(c.rank, (7,), torch.float64), mine)
    out["objects"] = c.gather_objects({"rank": c.rank, "text": "x" * 10 * c.rank})
    before = c.traffic.collectives
    out["long objects"] = c.gather_objects([c.rank, "y" * 3000 * c.rank])
    out["rounds"] = c.traffic.collectives - before

    out["traffic"] = {
        "gather": counted(lambda: c.all_gather(x)),
        "sum": counted(lambda: c.all_reduce(x)),
        "scalar": counted(lambda: c.all_gather(torch.tensor(True))),
        "broadcast": counted(lambda: c.broadcast(x, source=2)),
        "message": counted([lambda: c.send(x, 1), lambda: c.receive(x, 0), lambda: None][c.rank]),
    }
    before = c.traffic.seconds
    if c.rank == 0:
        time.sleep(0.5)
    c.all_gather(x)
    out["waited"] = c.traffic.seconds - before

    slow, before, start = Delayed(c, 0.1), c.traffic.seconds, time.perf_counter()
    out["delayed traffic"] = counted(lambda: [slow.all_reduce(x), slow.broadcast(x)])
    out["delayed"] = time.perf_counter() - start, slow.traffic.seconds - before

    distributed.ORDERED = 1
    out["native"] = c.all_reduce(numbers(c.rank, (7,), torch.float64))
    out["native bool"] = c.all_reduce(numbers(c.rank, (7,), torch.bool))
    out["native traffic"] = counted(lambda: c.all_reduce(x))
    distributed.ORDERED = 8

    check_same(c, code="a", problem="b")
    out["differ"] = failure(lambda: check_same(c, code="a" * (1 + c.rank // 2), problem="b"))
    out["itself"] = failure(lambda: c.send(x, c.rank))
    out["nobody"] = failure(lambda: c.receive(x, 3))
    out["seconds"] = c.traffic.seconds, time.perf_counter() - began
    return end(c, ports, out)


def end(c, ports, out):
    """Ends in order, by a signal, too late, and without one of the ranks."""
    x = torch.ones(10, dtype=torch.float64)
    # Rank 2 is asked to stop; the others learn of it from their next operation.
    if c.rank == 2:
        os.kill(os.getpid(), signal.SIGTERM)
    out["stopped"] = failure(lambda: c.all_gather(x))
    out["again"] = failure(lambda: c.send(x, (c.rank + 1) % 3))
    c.close()
    c.close()
    out["handler"] = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    # Rank 0 computes for longer than the others wait.
    os.environ["MASTER_PORT"] = str(ports[0])
    c = connect(timeout=2.0)
    if c.rank == 0:
        time.sleep(3.0)
    out["late"] = failure(lambda: c.all_gather(x))
    c.close()

    # A rank that does not come at all.
    if c.rank == 1:
        os.environ |= {"MASTER_PORT": str(ports[1]), "WORLD_SIZE": "2", "RANK": "0"}
        out["absent"] = failure(lambda: connect(timeout=1.0))
    return out


def in_order(parts: list[Tensor]) -> Tensor:
    total = parts[0].clone()
    for part in parts[1:]:
        total += part
    return total


def same(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())


def test_three_ranks(run_ranks, free_ports):
    ranks = run_ranks(talk, 3, free_ports(2))
    assert [out["rank"] for out in ranks] == [(0, 3), (1, 3), (2, 3)]
    order_matters = False
    for dtype in TYPES:
        for shape in SHAPES:
            parts = [numbers(rank, shape, dtype) for rank in range(3)]
            order_matters |= not same(in_order(parts), in_order(parts[::-1]))
            for rank, out in enumerate(ranks):
                assert all(map(same, out["gather", dtype, shape], parts))
                assert same(out["sum", dtype, shape], in_order(parts))
                assert same(out["broadcast", dtype, shape], parts[1])
                assert same(out["ring", dtype, shape], parts[rank - 1])
    assert order_matters

    vectors = [numbers(rank, (7,), torch.float64) for rank in range(3)]
    traffic = {"gather": (1, 0, 160), "sum": (1, 0, 160), "scalar": (1, 0, 2), "broadcast": (1, 0, 0)}
    for rank, out in enumerate(ranks):
        assert out["at first"] == (0, 0, 0, 0.0)
        assert all(map(same, out["transposed"], [numbers(r, (3, 4), torch.float64).T for r in range(3)]))
        assert out["no gradient"] == [False] * 4
        assert out["dot"] == float(in_order([v.dot(v) for v in vectors]))
        assert out["objects"] == [{"rank": r, "text": "x" * 10 * r} for r in range(3)]
        assert out["long objects"] == [[r, "y" * 3000 * r] for r in range(3)] and out["rounds"] == 2
        message = [(0, 1, 80), (0, 1, 0), (0, 0, 0)][rank]
        assert out["traffic"] == traffic | {"broadcast": (1, 0, 160 * (rank == 2)), "message": message}
        assert out["delayed traffic"] == (2, 0, 160 + 160 * (rank == 0))
        assert out["delayed"][0] >= out["delayed"][1] >= 0.2
        assert out["seconds"][0] <= out["seconds"][1]

        assert same(out["native"], ranks[0]["native"])
        torch.testing.assert_close(out["native"], sum(vectors))
        assert same(out["native bool"], in_order([numbers(r, (7,), torch.bool) for r in range(3)]))
        assert out["native traffic"] == (1, 0, 106)  # 2 * 2/3 * 80

        assert out["differ"].startswith("InputError: the code of rank 2 differs from that of rank 0; ")
        assert f"rank {rank} of 3 cannot exchange messages with rank {rank}" in out["itself"]
        assert "with rank 3" in out["nobody"]
        stopped = (
            "RankFailure: rank 2 was asked to stop (SIGTERM); the run stops, resume from the last checkpoint"
        )
        assert out["stopped"] == out["again"] == stopped
        assert out["handler"]
        assert out["late"] == ranks[1]["late"]
    assert ranks[1]["waited"] > 0.3 and ranks[2]["waited"] > 0.3
    assert "waited 2 s for the others although all of them are alive" in ranks[1]["late"]
    assert "RankFailure: the 2 ranks did not all meet at 127.0.0.1" in ranks[1]["absent"]


def loses(victim, how, timeout):
    """A rank dies or stops while the others wait for it."""
    c = connect(timeout=timeout)
    c.all_gather(torch.ones(4))
    if c.rank == victim:
        time.sleep(0.3)
        os.kill(os.getpid(), how)
    began = time.monotonic()
    message = failure(lambda: [c.all_gather(torch.ones(4)) for _ in range(2)])
    return message, time.monotonic() - began


@pytest.mark.parametrize(("victim", "size"), [pytest.param(0, 3, marks=pytest.mark.slow), (1, 2)])
def test_survivors_name_the_dead_rank(run_ranks, victim, size):
    def start(torchrun):
        return run_ranks(loses, size, victim, signal.SIGKILL, 60.0, lost=[victim], torchrun=torchrun)

    with ThreadPoolExecutor() as both:
        by_environment, by_torchrun = both.map(start, [False, True])
    survivors = [result for result in by_environment + by_torchrun if result is not None]
    assert len(survivors) == 2 * (size - 1)
    for message, seconds in survivors:
        assert message == (
            f"RankFailure: rank {victim} has died or lost its connection; "
            "the run stops, resume from the last checkpoint"
        )
        assert seconds < 30  # torchrun kills the survivors then


@pytest.mark.slow
def test_a_stopped_rank_is_one_that_does_not_answer(run_ranks):
    (message, seconds), _ = run_ranks(loses, 2, 1, signal.SIGSTOP, 1.0, lost=[1])
    assert "rank 1 has stopped answering, died or lost its connection; the run stops" in message
    assert 1.0 <= seconds < 15


def test_the_launcher_gives_back_results_and_failures(run_ranks):
    source = "import os; result = arguments[0] + int(os.environ['RANK'])"
    assert run_ranks(source, 2, 5) == [5, 6]
    with pytest.raises(pytest.fail.Exception, match=r"(?s)2 ranks failed.*output 1\n.*ZeroDivisionError"):
        run_ranks("import os; result = 1 / (1 - int(os.environ['RANK']))", 2)
    with pytest.raises(pytest.fail.Exception, match="are not done within 1"):
        run_ranks("import time; time.sleep(60)", 2, timeout=1.0)
