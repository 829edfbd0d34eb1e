"""Child processes to measure in."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

# As the command line sets it, threads of OpenMP that wait do not take the cores from other threads.  And the
# processor is measured: DeepXDE would take a GPU that it sees.
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE", "DDE_BACKEND": "pytorch", "MPLBACKEND": "Agg", "CUDA_VISIBLE_DEVICES": "",
}  # fmt: skip


class Child:
    """A fresh Python process that calls functions of this package, one after the other.

    What they print is kept, and quoted when one fails.

    Args:
        environment: Variables beside those of `ENVIRONMENT`; None removes one.
    """

    def __init__(self, **environment: str | None) -> None:
        merged = {**os.environ, **ENVIRONMENT, **environment}
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={name: value for name, value in merged.items() if value is not None},
        )

    def call(self, function: Callable[..., T], **arguments: object) -> T:
        """Call a function of a module there; arguments and result travel as JSON.

        Raises:
            RuntimeError: It failed, or the process was killed.
        """
        request = {"module": function.__module__, "name": function.__name__, "arguments": arguments}
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            name = function.__module__.rpartition(".")[2]
            raise RuntimeError(f"the child process of {name} {arguments} failed: {self._why()}")
        result: T = json.loads(answer)
        return result

    def _why(self) -> str:
        status = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return lines[-1] if lines else f"exit status {status}"

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:  # it died with a request unread
                pass
        self._process.wait()
        self._log.close()


def in_child(function: Callable[..., T], **arguments: object) -> T:
    """Call a function in a fresh process, see `Child.call`."""
    with Child() as child:
        return child.call(function, **arguments)


def serve() -> None:
    """The child's side: answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not get between the answers
    for line in sys.stdin:
        request = json.loads(line)
        function = getattr(import_module(request["module"]), request["name"])
        print(json.dumps(function(**request["arguments"])), file=answers, flush=True)


def peak_memory() -> int:
    """Peak resident memory of this process, in bytes.

    On Linux `getrusage` hands the peak down through fork and exec: the child of a large process starts with
    its parent's.  The high-water mark in /proc belongs to this program alone, so it comes first.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    if found is not None:
        return 1024 * int(found[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
