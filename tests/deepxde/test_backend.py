"""DeepXDE's backend: PyTorch is chosen where nothing is, and another one is refused with the fix."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import deepxde
import pytest

from sapts_pinn.deepxde.backend import choose_pytorch


@pytest.fixture
def not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before DeepXDE is imported: importing it then finds one that has to ask."""
    for name in ("DDE_BACKEND", "DDEBACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "deepxde")
    found = SimpleNamespace(find_spec=lambda *_: sys.modules.__setitem__("deepxde", deepxde))
    monkeypatch.setattr(sys, "meta_path", [found, *sys.meta_path])


def test_without_a_choice_it_is_pytorch(not_loaded: None) -> None:
    choose_pytorch()
    assert os.environ["DDE_BACKEND"] == "pytorch"


@pytest.mark.parametrize("name", ["DDE_BACKEND", "DDEBACKEND"])
def test_the_choice_of_another_is_refused_by_the_name_of_its_variable(
    not_loaded: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "jax")
    with pytest.raises(ImportError, match=f"needs .* 'pytorch', and {name}='jax'; unset {name} or set it to"):
        choose_pytorch()


def test_another_that_is_loaded_already_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = SimpleNamespace(backend=SimpleNamespace(backend_name="tensorflow"))
    monkeypatch.setitem(sys.modules, "deepxde", loaded)  # type: ignore[arg-type]
    with pytest.raises(
        ImportError, match="imported with 'tensorflow'; set DDE_BACKEND=pytorch, or import sap"
    ):
        choose_pytorch()


@pytest.mark.parametrize(
    ("version", "fits"), [("1.9.3", False), ("1.11", False), ("1.12.0", True), ("2.0", True)]
)
def test_versions_that_are_too_old_are_refused(
    monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    """By number, not by letter: 1.9 is older than 1.12."""
    monkeypatch.setattr(deepxde, "__version__", version)
    if fits:
        choose_pytorch()
        return
    with pytest.raises(ImportError, match=rf"DeepXDE 1.12 or newer, not {version}: pip install -U deepxde"):
        choose_pytorch()
