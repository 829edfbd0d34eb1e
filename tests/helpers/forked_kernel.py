"""Jupyter kernels that are forked from a process with PyTorch loaded, see `preloaded.py`: that saves seconds.

monkeypatch.setattr(local_provisioner, "launch_kernel", forked_kernel.launch_kernel)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import preloaded


class Kernel:
    """What Jupyter asks of the `Popen` of a kernel."""

    stdin = stdout = stderr = None

    def __init__(self, process: preloaded.Process) -> None:
        self.process, self.pid = process, process.pid
        self.poll, self.send_signal, self.kill = process.poll, process.send_signal, process.kill

    def wait(self) -> int:
        return self.process.wait(30.0)


def launch_kernel(command: Sequence[str], *, env: Mapping[str, str], cwd: str, **_: Any) -> Kernel:
    """Run `python -m MODULE ...`, with the outputs of this process, as `jupyter_client.launcher` does."""
    module, *arguments = command[command.index("-m") + 1 :]
    return Kernel(preloaded.start(module, arguments, environment=env, cwd=Path(cwd), stdout=1, stderr=2))
