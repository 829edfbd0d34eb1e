"""Runs the job that conftest.py wrote into a folder: as one rank of torchrun, or by forking all of them.

Forked ranks share one import of torch and of the work's file; otherwise they are processes like any other.
"""

import atexit
import gc
import importlib.util
import os
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def load(folder: Path) -> Callable[[], Any]:
    """The job, ready to run."""
    sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # as pytest does
    from short_estimates import shorten

    shorten()  # as conftest.py does
    file, work, arguments = pickle.loads((folder / "job").read_bytes())
    if file is None:
        names = {"arguments": arguments}
        return lambda: (exec(compile(work, "<work>", "exec"), names), names["result"])[1]
    spec = importlib.util.spec_from_file_location("work", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules["work"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda: getattr(module, work)(*arguments)


def run(folder: Path, job: Callable[[], Any]) -> None:
    """Be the rank that the environment says."""
    rank = os.environ["RANK"]
    (folder / f"running {rank}").write_text(str(os.getpid()))  # so that it can be killed
    (folder / f"part {rank}").write_bytes(pickle.dumps(job()))
    (folder / f"part {rank}").rename(folder / f"result {rank}")  # complete or not there at all


def fork(folder: Path, job: Callable[[], Any], size: int, lost: set[int]) -> None:
    """Be the parent of all ranks: wait for those that are not to be lost, or for the first that fails."""
    ranks = {}
    if "sapts_pinn.pipeline" in sys.modules:
        import torch._dynamo
    import torch.distributed  # noqa: F401

    gc.freeze()  # or every rank takes a second to clean up what it shares
    for rank in range(size):
        if not (pid := os.fork()):
            with (folder / f"output {rank}").open("wb") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            return run(folder, job)
        ranks[pid] = rank
    late = float("inf")
    while not set(ranks.values()) <= lost:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid and ranks.pop(pid) not in lost and status:
            late = min(late, time.monotonic() + 5.0)  # the others have that long to fail as well
        if time.monotonic() > late:
            break
        time.sleep(0.02)
    os._exit(late < float("inf"))  # nothing to clean up


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    job = load(folder)
    if "RANK" in os.environ:
        run(folder, job)
        atexit._run_exitfuncs()
        os._exit(0)  # saves a second; the forked ranks show that an ordinary exit works as well
    else:
        fork(folder, job, int(sys.argv[2]), {int(rank) for rank in sys.argv[3:]})
