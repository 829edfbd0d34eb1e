"""The Slurm script of the documentation: its syntax, and what it starts, without a cluster."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from documented import ROOT, blocks

SRUN = """#!/bin/bash
test "$1" = --cpus-per-task && test "$2" = 2 || exit 9
shift 2
exec "$@"
"""
SCONTROL = """#!/bin/bash
test "$*" = "show hostnames node[1-2]" || exit 9
echo localhost
echo elsewhere
"""


def script() -> str:
    (found,) = (b.code for b in blocks(ROOT / "docs" / "howto" / "ranks.md") if "#SBATCH" in b.code)
    return found


def test_the_script_is_one(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text(script())
    subprocess.run(["bash", "-n", tmp_path / "job.sh"], check=True)
    assert script().startswith("#!/bin/bash\n#SBATCH "), "sbatch reads its lines before the first command"
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)", script(), re.MULTILINE))
    assert options["ntasks-per-node"] == "1", "torchrun itself starts the ranks of a node"
    assert options["signal"].startswith("TERM@"), "to the ranks, not to the script"


@pytest.mark.slow
def test_it_starts_a_rank_for_each_core(tmp_path: Path, free_ports: Callable[[int], list[int]]) -> None:
    job = script().replace(":29500", f":{free_ports(1)[0]}").replace("--budget 1h", "--budget '3 iterations'")
    (tmp_path / "job.sh").write_text(job.rstrip() + " --network 4,4 --points 64 --quiet\n")
    commands = tmp_path / "bin"
    commands.mkdir()
    torchrun = f'#!/bin/bash\nexec {sys.executable} -m torch.distributed.run "$@"\n'
    for name, text in {"srun": SRUN, "scontrol": SCONTROL, "torchrun": torchrun}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    variables = {
        **{"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo"},
        **{"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_NNODES": "1", "SLURM_CPUS_PER_TASK": "2"},
        "SLURM_JOB_ID": "17",
    }
    done = subprocess.run(
        ["bash", "-e", "job.sh"],
        check=False,
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "runs" / "17" / "result.json").read_text())
    assert (result["world_size"], result["method"], result["iterations"]) == (2, "sapts-d", 3)
    config = json.loads((tmp_path / "runs" / "17" / "config.json").read_text())
    assert config["threads"] == 1
