"""Compile the C sources on demand and load them.

A compiled library runs as the user does, so one from the cache is loaded only if nobody else can have written
it (owner and permissions of file and folder), and if it is whole: a truncated one would crash the process.
Its name ends with a hash of its content, so that file and checksum are replaced in one step.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
import warnings
from functools import cache
from importlib import resources
from pathlib import Path

# In this order: each uses the definitions of those before.
SOURCES = ("vectors.c", "activations.c", "layers.c", "mlp.c", "gated.c", "dense.c")
FLAGS = ("-O3", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-std=gnu11")
TUNINGS = (("-march=native",), ("-mcpu=native",), ())  # the first that the compiler takes
COMPILERS = ("cc", "gcc", "clang")


def cache_folder() -> Path | None:
    """Folder of compiled kernels; None where no folder can be written, as in some containers."""
    given = os.environ.get("SAPTS_PINN_CACHE")
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(given) if given else home / "sapts_pinn"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not given and os.name == "posix" and folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode & ~0o022)  # made by an earlier version, with the user's mask
    except (OSError, RuntimeError):  # there may be no home at all
        return None
    return folder if os.access(folder, os.W_OK) else None


def _processor() -> str:
    """Description of the processor that the code is tuned for: another one must not load it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return "\n".join(
            sorted({line for line in lines if line.startswith(("flags", "model name", "Features"))})
        )
    except OSError:
        return f"{platform.machine()} {platform.processor()}"


def is_private(path: Path) -> bool:
    """Check that a file or folder belongs to this user and that nobody else may write to it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return False
    return os.name != "posix" or (found.st_uid == os.getuid() and not found.st_mode & 0o022)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _find(folder: Path, name: str) -> Path | None:
    """Find an undamaged library of that name in a folder of the cache."""
    for path in sorted(folder.glob(f"{name}-*.so")):
        try:
            if is_private(path) and path.is_file() and path.stem == f"{name}-{_digest(path)}":
                return path
        except OSError:
            continue
    return None


def _compiler() -> str | None:
    return os.environ.get("CC") or next((c for c in COMPILERS if shutil.which(c)), None)


def _tunings() -> tuple[tuple[str, ...], ...]:
    given = os.environ.get("SAPTS_PINN_CFLAGS")
    return (tuple(given.split()),) if given else TUNINGS


def _compile(source: str, folder: Path, name: str, options: tuple[str, ...]) -> Path | None:
    """Build the library in a folder, beside others that build it; None where that is impossible."""
    compiler = _compiler()
    if compiler is None:
        return None
    try:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            code, built = Path(place) / "kernels.c", Path(place) / "kernels.so"
            code.write_text(source)
            for tuning in _tunings():
                command = [*compiler.split(), *FLAGS, *tuning, *options, str(code), "-o", str(built), "-lm"]
                if subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0:
                    built.chmod(0o700)
                    target = folder / f"{name}-{_digest(built)}.so"
                    os.replace(built, target)  # atomic: another process may be building the same file
                    for other in folder.glob(f"{name}-*.so"):
                        if other.stem != f"{name}-{_digest(other)}":
                            other.unlink()
                    return target
    except (OSError, subprocess.SubprocessError):
        pass
    return None


def _open(path: Path) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(path))
    except OSError:
        return None


@cache
def load(single: bool = False) -> ctypes.CDLL | None:
    """Load the kernel library, compiled if need be; None where that is impossible or switched off.

    Args:
        single: float32 instead of float64.
    """
    if os.environ.get("SAPTS_PINN_COMPILED") == "0":
        return None
    source = "\n".join(resources.files(__package__).joinpath(name).read_text() for name in SOURCES)
    options = ("-DSINGLE",) if single else ()
    tunings = (flag for tuning in _tunings() for flag in tuning)
    identity = "\n".join((source, *FLAGS, *tunings, *options, os.environ.get("CC", ""), _processor()))
    name = f"kernels-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    kept = cache_folder()
    if kept is not None and not is_private(kept):
        warnings.warn(
            f"the cache {kept} belongs to somebody else or can be written by others: the kernel is compiled "
            "for this process only; make the folder your own, or set SAPTS_PINN_CACHE to one that is",
            UserWarning,
            stacklevel=2,
        )
        kept = None
    if kept is not None:
        built = _find(kept, name) or _compile(source, kept, name, options)
        return None if built is None else _open(built)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # for this process only
        built = _compile(source, Path(folder), name, options)
        return None if built is None else _open(built)


def why_not_loaded(single: bool = False) -> str | None:
    """Reason why there is no kernel library; None if there is one."""
    if load(single) is not None:
        return None
    if os.environ.get("SAPTS_PINN_COMPILED") == "0":
        return "it is switched off by SAPTS_PINN_COMPILED=0"
    compiler = _compiler()
    if compiler is None:
        return f"there is no C compiler; install one of {', '.join(COMPILERS)}, or name one by CC"
    return f"the C compiler {compiler} cannot build it"
