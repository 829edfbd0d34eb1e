"""Burgers1d-C and Burgers2d-C: shocks from smooth initial values.

The first is the zoo's.  Its published reference file is 1.3e-2 away from the Cole-Hopf formula; ours is that
formula, on the file's points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..problem import Problem
from ..references import Reference, _grid
from ..zoo import burgers as zoo


def burgers_1d() -> Problem:
    """u_t + u u_x = 0.01 / pi u_xx on [-1, 1] x [0, 1] from -sin(pi x), u = 0 at the ends."""
    known = zoo.burgers()
    assert isinstance(known.reference, Reference)
    reference = replace(
        known.reference, test_points=lambda: _grid(x=np.linspace(-1, 1, 101), t=np.linspace(0, 1, 11))
    )
    return replace(known, reference=reference, name="pinnacle-burgers1d-c")
