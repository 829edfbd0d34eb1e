"""The report in Chromium, headless: no errors on the console, the scene is drawn, its slider moves it."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from sapts_pinn import cli
from sapts_pinn.viz.scene_page import can_export

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium: apt-get install chromium"),
    pytest.mark.skipif(not can_export(), reason="trame-vtk is not installed"),
]
FLAGS = [
    "--headless", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--hide-scrollbars", "--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000",
]  # fmt: skip


def visit(page: Path, *flags: str, at: str = "") -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={page.parent / 'browser'}", *flags, page.as_uri() + at]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)


def errors(run: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in run.stderr.splitlines() if re.search(r":(ERROR|WARNING):CONSOLE|Uncaught", line)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seen") / "run"
    options = [
        "--budget",
        "10 iterations",
        "--network",
        "8",
        "--points",
        "128",
        "--quiet",
        "--out",
        str(folder),
    ]
    assert cli.main(["solve", "burgers", *options]) == 0
    return folder


def test_the_report_has_no_errors_and_is_not_too_large(folder):
    page = folder / "report.html"
    assert page.stat().st_size <= 10 * 2**20
    seen = visit(page, "--dump-dom", "--window-size=400,300")
    assert not errors(seen)
    assert "<math" in seen.stdout and "<polyline" in seen.stdout and "srcdoc" in seen.stdout


def test_indices_of_formulas_are_lowered(folder, tmp_path):
    """Where a font for mathematics is installed, whichever: Chromium finds none by itself on some systems."""
    fonts = shutil.which("fc-list") and subprocess.run(
        ["fc-list"], capture_output=True, text=True, check=True
    )
    if not fonts or "Math" not in fonts.stdout:
        pytest.skip("there is no font for mathematics: apt-get install fonts-dejavu-extra")
    script = (
        'const [u, x] = document.querySelector("math msub").children; '
        "document.documentElement.dataset.lowered = "
        "x.getBoundingClientRect().bottom - u.getBoundingClientRect().bottom;"
    )
    page = tmp_path / "report.html"
    page.write_text(f"{(folder / 'report.html').read_text()}<script>{script}</script>")
    found = re.search(r'data-lowered="([-\d.]+)"', visit(page, "--dump-dom").stdout)
    assert found and float(found[1]) > 1.5, "pixels of letters 20 pixels high"


def test_the_scene_is_drawn_and_its_slider_moves_it(folder, tmp_path):
    page, pictures = folder / "scene.html", []
    for moment in (2, 17):
        shot = tmp_path / f"{moment}.png"
        seen = visit(page, f"--screenshot={shot}", "--window-size=400,340", at=f"#{moment}")
        assert not errors(seen)
        pictures.append(imread(shot)[:280, :330, :3])  # without slider and colour bar
    first, second = pictures
    inked = (first.max(2) - first.min(2) > 0.2).mean()  # share of pixels in colour
    assert inked > 0.02, "the scene is blank"
    changed = (np.abs(first - second).max(2) > 0.2).sum()
    assert changed > 50, "the slider changes nothing"
