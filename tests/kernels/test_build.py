"""Compilation of the kernels: the cache, the flags, and life without a compiler."""

import os
from pathlib import Path
from typing import Any

import pytest

from preloaded import run
from sapts_pinn.kernels import build, load
from sapts_pinn.kernels.build import cache_folder, is_private, why_not_loaded


@pytest.fixture(autouse=True)
def quick_compilation(monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CFLAGS", "-O0")


compiled = pytest.mark.skipif(load() is None, reason="no C compiler on this machine")


@compiled
def test_a_fresh_or_damaged_cache_is_filled(tmp_path, monkeypatch):
    monkeypatch.delenv("SAPTS_PINN_CFLAGS")  # as a user has it
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path / "new" / "folder"))
    assert load.__wrapped__() is not None
    (built,) = cache_folder().iterdir()
    assert built.suffix == ".so" and load.__wrapped__() is not None
    built.unlink()  # mapped into this process: do not write into it
    built.write_bytes(b"\x7fELF, cut short")
    assert load.__wrapped__() is not None
    assert [p.name for p in cache_folder().iterdir()] == [built.name]


@compiled
def test_without_a_writable_cache_the_kernel_serves_this_process(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path / "file" / "below"))
    assert cache_folder() is None
    assert load.__wrapped__() is not None


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("SAPTS_PINN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sapts_pinn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "sapts_pinn"


def test_switched_off_or_without_a_compiler_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    monkeypatch.setattr(build, "load", load.__wrapped__)
    monkeypatch.delenv("SAPTS_PINN_COMPILED", raising=False)
    monkeypatch.setenv("CC", str(tmp_path / "no-such-compiler"))
    assert load.__wrapped__() is None
    assert "no-such-compiler cannot build it" in why_not_loaded()
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert load.__wrapped__() is None
    assert why_not_loaded() == "there is no C compiler; install one of cc, gcc, clang, or name one by CC"
    assert not list(tmp_path.glob("*"))
    monkeypatch.setenv("SAPTS_PINN_COMPILED", "0")
    assert load.__wrapped__() is None
    assert why_not_loaded() == "it is switched off by SAPTS_PINN_COMPILED=0"


@compiled
def test_flags_of_the_environment_make_another_library(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    for flags in ("-O0", "-O0 -g"):
        monkeypatch.setenv("SAPTS_PINN_CFLAGS", flags)
        assert load.__wrapped__() is not None
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setenv("SAPTS_PINN_CFLAGS", "--no-such-flag")
    assert load.__wrapped__() is None


SCRIPT = """
import torch
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.build import build_network
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.problems import build
problem, generator = build("poisson-2d"), torch.Generator().manual_seed(0)
network = build_network((8, 8), len(problem.ansatz.feature_names), 1, generator, torch.float64)
sites = {t.name: t.sites(100, generator, "uniform") for t in problem.terms}
objective = LeastSquares(Model(problem, network), sites)
value, gradient = objective.value_and_grad()
found = objective.blocks[0].points is not None, value, float(gradient.norm())
"""


@compiled
@pytest.mark.parametrize("how", ["switched off", "no compiler"])
def test_the_loss_is_the_same_without_the_kernel(how, tmp_path: Path):
    here: dict[str, Any] = {}
    exec(SCRIPT, here)
    assert here["found"][0]
    nowhere = str(tmp_path)
    off = {"SAPTS_PINN_COMPILED": "0"}
    if how == "no compiler":
        off = {"PATH": nowhere, "SAPTS_PINN_CACHE": nowhere, "CC": ""}
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + "print(*found)")
    status, out, err = run(script, cwd=tmp_path, environment={**os.environ, **off})
    assert status == 0, err
    kernel, *numbers = out.split()
    assert kernel == "False"
    for there, value in zip(numbers, here["found"][1:], strict=True):
        assert float(there) == pytest.approx(value, rel=1e-13)


# -- the kernel's cache --------------------------------------------------------------------------------------


IN_A_PROCESS = "from sapts_pinn.kernels import load; assert load() is not None; print('alive')"


@compiled
def test_a_damaged_kernel_is_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    assert load.__wrapped__() is not None
    (built,) = tmp_path.glob("*.so")
    whole = built.read_bytes()
    half = len(whole) // 2
    script = tmp_path / "script.py"
    script.write_text(IN_A_PROCESS)
    for broken in (whole[:half], whole[:half] + b"\xff\x00" + whole[half + 2 :]):
        built.unlink()  # mapped into this process
        built.write_bytes(broken)
        built.chmod(0o700)
        status, out, err = run(script, cwd=tmp_path)
        assert status == 0 and out == "alive\n", err
        (built,) = tmp_path.glob("*.so")
        assert built.read_bytes() != broken


@compiled
@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives files away")
def test_a_kernel_of_somebody_else_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    assert load.__wrapped__() is not None
    (built,) = cache_folder().glob("*.so")
    os.chown(built, 12345, 12345)
    assert load.__wrapped__() is not None
    assert built.stat().st_uid == 0, "built again"
    os.chown(tmp_path, 12345, 12345)
    with pytest.warns(UserWarning, match="belongs to somebody else"):
        assert load.__wrapped__() is not None


@compiled
def test_a_cache_that_others_may_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    assert load.__wrapped__() is not None
    (built,) = tmp_path.glob("*.so")
    built.chmod(0o666)
    assert not is_private(built) and load.__wrapped__() is not None
    assert is_private(built), "built again"
    tmp_path.chmod(0o777)
    with pytest.warns(UserWarning, match="can be written by others"):
        assert load.__wrapped__() is not None
