"""Processes forked from one that has loaded PyTorch and the package, which saves each of them some seconds.

    process = start("rank.py", ["folder", "2"], stdout=..., ...)            # a file
    process = start("sapts_pinn", ["solve", "burgers"], ...)                # a module, as python -m has it
    status, out, err = run("sapts_pinn", ["solve", "burgers"], cwd=folder)  # until it ends

In everything else they are processes like any other: with a group, an environment, a folder and streams of
their own, an ordinary end, and an exit status.  Tests of how Python itself starts take `subprocess`.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

LOADED = (
    "torch",
    "torch.distributed",
    "torch._dynamo",
    "pytest",
    "short_estimates",
    "sapts_pinn.bench.harness.delayed",
    "sapts_pinn.cli.solve",
    "sapts_pinn.pipeline.sharded_model",
    "sapts_pinn.solving.run",
    "sapts_pinn.supervised.train",
)
STREAMS = 2  # standard output and error

# -- in a test -----------------------------------------------------------------------------------------------


class Process:
    """A forked process, whose exit status comes through a connection with the one that has forked it."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid, self.connection = pid, connection
        self.returncode: int | None = None

    def wait(self, timeout: float) -> int:
        """The exit status, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: It has not ended by then.
        """
        if self.returncode is None:
            if not select.select([self.connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            self.returncode = int(self.connection.recv(64) or b"-9")
            self.connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0.0)
        return None

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process with all that it has started, stopped ones included."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait(30.0)


def start(
    program: str | Path,
    arguments: Sequence[object] = (),
    *,
    environment: Mapping[str, str],
    cwd: Path,
    stdout: int,
    stderr: int,
) -> Process:
    """Fork a process that runs a file, or a module by its name, as `__main__`.

    Args:
        program: A path that ends in ".py", or a module.
        arguments: What follows it on the command line.
        environment: All its variables; those that PyTorch reads when loaded are of no use here.
        cwd: Its folder.
        stdout: A file descriptor.
        stderr: A file descriptor.
    """
    here, there = socket.socketpair()
    job = {
        "program": str(program),
        "arguments": [*map(str, arguments)],
        "environment": dict(environment),
        "cwd": str(cwd),
    }
    with there:
        socket.send_fds(server(), [b"job"], [stdout, stderr, there.fileno()])
    with here.makefile("w") as file:
        file.write(json.dumps(job) + "\n")
    return Process(int(here.recv(64)), here)


def run(
    program: str | Path,
    arguments: Sequence[object] = (),
    *,
    cwd: Path,
    environment: Mapping[str, str] = os.environ,
) -> tuple[int, str, str]:
    """The exit status of such a process, and what it has said on standard output and error."""
    with TemporaryFile() as out, TemporaryFile() as err:
        streams = {"stdout": out.fileno(), "stderr": err.fileno()}
        process = start(program, arguments, environment=environment, cwd=cwd, **streams)
        try:
            status = process.wait(120.0)
        finally:
            process.kill()
        return status, *(file.seek(0) or file.read().decode() for file in (out, err))


@cache
def server() -> socket.socket:
    """The connection with the process that forks, which ends when this one does."""
    here, there = socket.socketpair()
    with there:
        variables = os.environ | {
            "OMP_NUM_THREADS": "1",
            "PYTHONWARNINGS": "error::DeprecationWarning:sapts_pinn",
        }
        process = subprocess.Popen(
            [sys.executable, __file__, str(there.fileno())], env=variables, pass_fds=[there.fileno()]
        )

    def end() -> None:
        here.close()
        process.wait()

    atexit.register(end)
    return here


# -- in the process that forks -------------------------------------------------------------------------------


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork on request until the tests end; in a forked process, the job."""
    running: dict[int, socket.socket] = {}
    while True:
        if select.select([requests], [], [], 0.02 if running else None)[0]:
            word, streams, _, _ = socket.recv_fds(requests, 8, STREAMS + 1)
            if not word:
                for pid in running:
                    os.killpg(pid, signal.SIGKILL)
                return None
            connection = socket.socket(fileno=streams.pop())
            with connection.makefile() as file:
                job: dict[str, Any] = json.loads(file.readline())
            if not (pid := os.fork()):
                os.setpgid(0, 0)
                for ours in (requests, connection, *running.values()):
                    ours.close()
                for number, stream in enumerate(streams, start=1):
                    os.dup2(stream, number)
                    os.close(stream)
                return job
            with contextlib.suppress(OSError):  # it was faster itself
                os.setpgid(pid, pid)
            for stream in streams:
                os.close(stream)
            connection.send(str(pid).encode())
            running[pid] = connection
        for pid in [*running]:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # what it has left behind
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with running.pop(pid) as connection, contextlib.suppress(OSError):
                    connection.send(str(status).encode())


def become(job: dict[str, Any]) -> None:
    """Be the process that was asked for."""
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["environment"])
    program = job["program"]
    sys.argv = [program, *job["arguments"]]
    if program.endswith(".py"):
        sys.path[0] = str(Path(program).parent)
        runpy.run_path(program, run_name="__main__")
    else:
        sys.path[0] = job["cwd"]
        runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in LOADED:
        __import__(name)
    sys.modules["short_estimates"].shorten()  # as conftest.py does
    gc.collect()
    gc.freeze()  # or every process takes a second to clean up what it shares
    if (job := serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        become(job)
