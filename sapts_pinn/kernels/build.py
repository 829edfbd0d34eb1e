"""Compile the C sources on demand and load them."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path

SOURCES = ("taylor.c", "dense.c")  # in this order: the second uses the definitions of the first
FLAGS = ("-O3", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-std=gnu11")


def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None where no folder can be written, as in some containers."""
    given = os.environ.get("SAPTS_PINN_CACHE")
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(given) if given else home / "sapts_pinn"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # there may be no home at all
        return None
    return folder if os.access(folder, os.W_OK) else None


def _processor() -> str:
    """What the code is tuned for: another processor must not load it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return "\n".join(
            sorted({line for line in lines if line.startswith(("flags", "model name", "Features"))})
        )
    except OSError:
        return f"{platform.machine()} {platform.processor()}"


def _compile(source: str, target: Path, options: tuple[str, ...]) -> bool:
    compiler = os.environ.get("CC") or next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    if compiler is None:
        return False
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            code, built = Path(folder) / "kernels.c", Path(folder) / "kernels.so"
            code.write_text(source)
            for tuning in (("-march=native",), ("-mcpu=native",), ()):
                command = [*compiler.split(), *FLAGS, *tuning, *options, str(code), "-o", str(built), "-lm"]
                if subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0:
                    os.replace(built, target)  # atomic: another process may be building the same file
                    return True
    except (OSError, subprocess.SubprocessError):
        pass
    return False


def _open(path: Path) -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None
    library.tape_size.restype = ctypes.c_long
    return library


@cache
def load(single: bool = False) -> ctypes.CDLL | None:
    """The kernel library, compiled if need be; None where that is impossible or switched off.

    Args:
        single: float32 instead of float64.
    """
    if os.environ.get("SAPTS_PINN_COMPILED") == "0":
        return None
    source = "\n".join(resources.files(__package__).joinpath(name).read_text() for name in SOURCES)
    options = ("-DSINGLE",) if single else ()
    identity = "\n".join((source, *FLAGS, *options, os.environ.get("CC", ""), _processor()))
    name = f"kernels-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
    kept = cache_folder()
    if kept is not None:
        known = _open(kept / name)
        if known is not None:
            return known
        return _open(kept / name) if _compile(source, kept / name, options) else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # for this process only
        target = Path(folder) / name
        return _open(target) if _compile(source, target, options) else None
