"""Starts real ranks, for tests in this folder: the fixture `run_ranks`.

    def mean(values):                                   # runs in every rank, in a process of its own
        communicator = connect()
        ...
        return communicator.all_reduce(...).tolist()    # anything that pickles

    def test_mean(run_ranks):
        assert run_ranks(mean, 3, [1.0, 2.0]) == [...]  # what each rank returned, in their order

The function is found again by its name in its file, which every rank imports: it may use what that file
imports, not what a test or fixture makes.  A string of Python source does as well: it reads the tuple
`arguments` and leaves its answer in `result`.  Ranks are forked from a process that has loaded everything
(`preloaded.py`); under torchrun a start takes 3 seconds and more.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from preloaded import Process, start

RANK = Path(__file__).with_name("rank.py")


def launch(
    folder: Path,
    work: str | Callable[..., Any],
    size: int,
    *arguments: Any,
    timeout: float = 60.0,
    lost: Sequence[int] = (),
    torchrun: bool = False,
    environment: dict[str, str] | None = None,
) -> list[Any]:
    """Run the same work in `size` processes.

    Args:
        folder: An empty one, for results and outputs.
        work: A function at the top of a test file, or Python source.
        size: Number of ranks.
        arguments: For the function.
        timeout: Seconds after which all ranks are killed, and the test fails.
        lost: Ranks that will not finish, because the work kills or stops them.
        torchrun: Start them by `torchrun` instead of by environment variables alone.
        environment: Further variables.

    Returns:
        What each rank returned; None for those that are lost.

    Raises:
        AssertionError: A rank failed or was too late; the message holds every rank's output.
    """
    job = (None, work) if isinstance(work, str) else (work.__code__.co_filename, work.__name__)
    (folder / "job").write_bytes(pickle.dumps((*job, arguments)))
    variables = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    variables |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", **(environment or {})}
    if not torchrun:
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
        variables |= {k: str(v) for k, v in {**meeting, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}.items()}

    process: subprocess.Popen[bytes] | Process
    with (folder / "output all").open("wb") as output:
        if torchrun:
            module = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
            command = [*module, f"--nproc-per-node={size}", str(RANK), str(folder)]
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=subprocess.STDOUT)
        else:
            streams = {"stdout": output.fileno(), "stderr": output.fileno()}
            process = start(RANK, [folder, size, *lost], environment=variables, cwd=Path.cwd(), **streams)
        try:
            status: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            end(process, folder)
    results = [None if r in lost else folder / f"result {r}" for r in range(size)]
    # torchrun fails when it has lost a rank.
    if (status and not (torchrun and lost)) or not all(r is None or r.exists() for r in results):
        outputs = [f"--- {file.name}\n{file.read_text()}" for file in sorted(folder.glob("output *"))]
        why = f"are not done within {timeout} s" if status is None else "failed"
        pytest.fail("\n".join([f"{size} ranks {why}", *outputs]), pytrace=False)
    return [r and pickle.loads(r.read_bytes()) for r in results]


def end(process: subprocess.Popen[bytes] | Process, folder: Path) -> None:
    """Kill what still runs, stopped ranks and those started by torchrun included."""
    process.kill()
    process.wait(30.0)
    for running in folder.glob("running *"):
        with contextlib.suppress(OSError):  # it has ended
            pid = int(running.read_text())
            if str(folder) in Path(f"/proc/{pid}/cmdline").read_text():  # else the number is another's by now
                os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def run_ranks(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Any]]:
    """`launch` in a folder of its own: run_ranks(work, size, *arguments, timeout=..., lost=..., ...)."""
    return lambda *arguments, **options: launch(tmp_path_factory.mktemp("ranks"), *arguments, **options)


@pytest.fixture
def free_ports() -> Callable[[int], list[int]]:
    """Ports that nobody listens at, for further meetings of the same ranks."""
    return lambda number: [free_port() for _ in range(number)]
