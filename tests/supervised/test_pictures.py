"""Pictures of a run of samples depend on what they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from png import PNG, drawn
from sapts_pinn.supervised.pictures import plot_confusion, plot_curves, plot_mistakes
from sapts_pinn.supervised.tasks import TASKS


def test_what_a_picture_shows_depends_on_the_run(tmp_path: Path) -> None:
    labels = torch.arange(40) % 4
    right, wrong = labels, (labels + 1) % 4
    a, b = (drawn(plot_confusion(labels, found, "abcd", tmp_path / "c.png")) for found in (right, wrong))
    assert a.shape != b.shape or not np.allclose(a, b)
    pictures = torch.randint(256, (40, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
    sure = torch.eye(4)
    for found, rows in ((right, 1), (wrong, 4)):
        path = plot_mistakes(pictures, labels, sure[found], "abcd", tmp_path / "m.png")
        grey = np.asarray(imread(path))
        assert path.read_bytes().startswith(PNG) and grey.min() < 0.5
        assert abs(grey.shape[0] / 160 - (0.6 + 1.75 * rows)) < 0.9, "as many rows as there are mistakes"


def test_curves_of_odd_histories(tmp_path: Path) -> None:
    row = {"iteration": 1, "seconds": 1.0, "gradient_evaluations": 0.5}
    for loss, error in ((float("nan"), None), (0.0, 0.0)):
        history = [{**row, "loss": loss, "test_error_rate": error}]
        drawn(plot_curves(history, TASKS["mnist"], tmp_path / "curves.png"))
    with pytest.raises(ValueError, match=r"use \.png, \.pdf or \.svg"):
        plot_curves(history, TASKS["mnist"], tmp_path / "curves.xyz")
