"""Pictures that tests have drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imread

PNG = b"\x89PNG"


def drawn(path: Path, width: int = 600) -> np.ndarray:
    """The pixels [H, W] as grey values; there is a picture, and something in it."""
    assert path.read_bytes().startswith(PNG)
    grey = np.asarray(imread(path))[..., :3].mean(-1)
    assert grey.shape[1] > width and 0.002 < (grey < 0.9).mean() < 0.9
    return grey
