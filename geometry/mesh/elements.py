"""Reference cells of straight and curved elements: their nodes, edges and polynomials.

Nodes are numbered as VTK and meshio do: corners, then those on edges, then those in the middle of sides.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from .simplices import Points

_Places = list[tuple[float, ...]]
_QUAD: _Places = [(0, 0), (1, 0), (1, 1), (0, 1)]
_HEX: _Places = [(*p, z) for z in (0, 1) for p in _QUAD]
_TRIANGLE: _Places = [(0, 0), (1, 0), (0, 1)]
_TETRA: _Places = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
_WEDGE: _Places = [(*p, z) for z in (0, 1) for p in _TRIANGLE]
_CORNERS: dict[str, _Places] = {
    "line": [(0,), (1,)], "triangle": _TRIANGLE, "quad": _QUAD, "tetra": _TETRA, "wedge": _WEDGE,
    "hexahedron": _HEX, "pyramid": [*((*p, 0) for p in _QUAD), (0.5, 0.5, 1)],
}  # fmt: skip
EDGES = {
    "line": [(0, 1)],
    "triangle": [(0, 1), (1, 2), (2, 0)],
    "quad": [(0, 1), (1, 2), (2, 3), (3, 0)],
    "tetra": [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)],
    "wedge": [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)],
    "hexahedron": [(a + s, b + s) for s in (0, 4) for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))]
    + [(0, 4), (1, 5), (2, 6), (3, 7)],
}
_SIDES: dict[str, list[tuple[int, ...]]] = {  # of which a node in the middle follows those of the edges
    "quad9": [(0, 1, 2, 3)],
    "wedge18": [(0, 1, 4, 3), (1, 2, 5, 4), (2, 0, 3, 5)],
    "hexahedron27": [
        (0, 4, 7, 3), (1, 2, 6, 5), (0, 1, 5, 4), (3, 7, 6, 2), (0, 1, 2, 3), (4, 5, 6, 7), tuple(range(8)),
    ],
}  # fmt: skip
_POLYNOMIALS: dict[
    str, tuple[int, int, Callable[[tuple[int, ...]], bool]]
] = {  # exponents: (dimension, highest of each, which of them)
    "line": (1, 1, lambda e: True),
    "triangle": (2, 1, lambda e: sum(e) <= 1),
    "quad": (2, 1, lambda e: True),
    "tetra": (3, 1, lambda e: sum(e) <= 1),
    "wedge": (3, 1, lambda e: e[0] + e[1] <= 1),
    "hexahedron": (3, 1, lambda e: True),
    "line3": (1, 2, lambda e: True),
    "line4": (1, 3, lambda e: True),
    "triangle6": (2, 2, lambda e: sum(e) <= 2),
    "triangle10": (2, 3, lambda e: sum(e) <= 3),
    "quad8": (2, 2, lambda e: e != (2, 2)),
    "quad9": (2, 2, lambda e: True),
    "tetra10": (3, 2, lambda e: sum(e) <= 2),
    "hexahedron20": (3, 2, lambda e: e.count(2) <= 1),
    "hexahedron27": (3, 2, lambda e: True),
    "wedge15": (3, 2, lambda e: e[0] + e[1] + max(e[2] - 1, 0) <= 2 and e[0] + e[1] <= 2),
    "wedge18": (3, 2, lambda e: e[0] + e[1] <= 2),
}
# Elements with nodes that do not shape edges, read without them.
SHORTENED = {"triangle7": "triangle6", "hexahedron24": "hexahedron20"}
PYRAMIDS = ("pyramid13", "pyramid14")
KNOWN = (*(name for name in _POLYNOMIALS if name[-1].isdigit()), *SHORTENED, *PYRAMIDS)


def _kind(element: str) -> str:
    return element.rstrip("0123456789")


def reference_nodes(element: str) -> Points:
    """The nodes [k, dim] of an element in its reference cell: corners, on edges, in the middle of sides."""
    kind = _kind(element)
    corners = np.array(_CORNERS[kind], dtype=float)
    if element == kind:
        return corners
    third = element in ("line4", "triangle10")
    inner = (1 / 3, 2 / 3) if third else (0.5,)
    nodes: list[Points] = [
        *corners,
        *((1 - t) * corners[a] + t * corners[b] for a, b in EDGES[kind] for t in inner),
    ]
    nodes += [corners[list(side)].mean(0) for side in _SIDES.get(element, [])]
    if element == "triangle10":
        nodes.append(corners.mean(0))
    return np.array(nodes)


def monomials(element: str, at: Points) -> Points:
    """Values [..., m] of the monomials of an element at reference points [..., dim]."""
    dim, highest, has = _POLYNOMIALS[element]
    powers = [np.ones_like(at)]
    for _ in range(highest):
        powers.append(powers[-1] * at)
    columns = []
    for exponents in product(range(highest + 1), repeat=dim):
        if has(exponents):
            column = powers[exponents[0]][..., 0]
            for k in range(1, dim):
                column = column * powers[exponents[k]][..., k]
            columns.append(column)
    return np.stack(columns, -1)
