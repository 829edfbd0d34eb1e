"""The picture of every problem of the zoo, before training: as hard to draw as that of a bad solution."""

import matplotlib
import numpy as np
import pytest

from pictured import overlaps, panels_of, untrained
from sapts_pinn import viz
from sapts_pinn.problems.zoo import ZOO, build
from sapts_pinn.viz.figures import pixels
from sapts_pinn.viz.panels import MOST
from sapts_pinn.viz.style import OUTLYING, STYLE

WIDEST = 9.0  # inches: at 800 pixels letters of 8 points are 10 pixels high


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_the_picture_of_every_problem_is_filled_in_limits_and_readable(name, small_pictures):
    with matplotlib.rc_context(STYLE):
        figure = viz.draw_solution(untrained(build(name)))
        image = pixels(figure)
        panels = panels_of(figure)
        assert len(panels) <= MOST and figure.get_figwidth() <= WIDEST
        for axis in panels:
            assert is_filled(axis, image), f"{axis.get_title(loc='left')!r} is blank"
        check_limits([m for a in panels for m in (*a.images, *a.collections) if m.colorbar is not None])
        assert overlaps(figure) == []


def is_filled(axis, image) -> bool:
    """Test for pixels inside the axes that differ."""
    box = axis.get_window_extent()
    high = image.shape[0]
    inside = image[int(high - box.y1) : int(high - box.y0), int(box.x0) : int(box.x1)]
    return len(np.unique(inside.reshape(-1, 3), axis=0)) > 2


def check_limits(images) -> None:
    """Limits that show the bulk of the values, with an arrow where values lie beyond them.

    Images with the same limits are judged together: a solution and its reference share them.
    """
    for limits in {image.get_clim() for image in images}:
        low, high = limits
        assert np.isfinite(limits).all() and low < high
        alike = [image for image in images if image.get_clim() == limits]
        shown = [np.ma.masked_invalid(image.get_array()).compressed() for image in alike]
        assert all(values.size for values in shown)
        near, far = np.quantile(np.concatenate(shown), [0.01, 0.99])
        assert high - low <= max(2 * OUTLYING * (far - near), 1.0), "no outlier sets the colours"
        slack = 1e-6 * (high - low)
        for image, values in zip(alike, shown, strict=True):
            extend = image.colorbar.extend
            assert extend in ("min", "both") or values.min() >= low - slack
            assert extend in ("max", "both") or values.max() <= high + slack
