"""`subprocess.run` for a notebook that starts ranks again and again: by torchrun once, then forked.

Forked ones come from a process that has loaded PyTorch, see `preloaded.py`, with the variables that torchrun
sets.  That saves the seconds in which torchrun and each of its ranks load it.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import preloaded

TORCHRUN = ["-m", "torch.distributed.run", "--standalone"]
SECONDS = 120.0


def replace() -> None:
    """Put `run` in place of `subprocess.run` in this process."""
    by_torchrun = subprocess.run
    started: list[int] = []  # sizes

    def run(command: Sequence[str], *, env: Mapping[str, str], **options: Any) -> Any:
        program = [*command[1:]]
        if program[: len(TORCHRUN)] != TORCHRUN:
            return forked(program, 1, env)
        word, _, size = program[len(TORCHRUN)].partition("=")
        assert word == "--nproc-per-node"
        started.append(int(size))
        if len(started) == 1:
            return by_torchrun(command, env=env, **options)
        return forked(program[len(TORCHRUN) + 1 :], int(size), env)

    subprocess.run = run  # type: ignore[assignment]


def forked(program: list[str], size: int, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a file, or a module after "-m", on ranks; outputs come one rank after the other."""
    name, *arguments = program[1:] if program[0] == "-m" else program
    with contextlib.ExitStack() as stack:
        files: list[list[IO[bytes]]] = []
        running: list[preloaded.Process] = []
        for meeting in meetings(size):
            out, err = pair = [stack.enter_context(TemporaryFile()) for _ in range(preloaded.STREAMS)]
            process = preloaded.start(
                name,
                arguments,
                environment={**variables, **meeting},
                cwd=Path.cwd(),
                stdout=out.fileno(),
                stderr=err.fileno(),
            )
            stack.callback(process.kill)
            running.append(process)
            files.append(pair)
        status = max(abs(process.wait(SECONDS)) for process in running)
        said = [
            "".join(file.seek(0) or file.read().decode() for file in group)
            for group in zip(*files, strict=True)
        ]
    return subprocess.CompletedProcess(program, status, *said)


def meetings(size: int) -> list[dict[str, str]]:
    """The variables of each rank; none for a process that is no rank."""
    if size == 1:
        return [{}]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
    sizes = dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(size))
    return [{**common, **sizes, **dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank))} for rank in range(size)]
