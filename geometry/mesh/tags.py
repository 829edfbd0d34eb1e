"""Names of faces, from the groups of a file and the facets of the boundary that they hold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from . import simplices as sx
from .files import DIMENSION, RawMesh
from .simplices import Cells

Held = dict[str, NDArray[np.bool_]]


def of_cells(raw: RawMesh, block: Cells, owner: Cells, full: int) -> Held:
    """Simplices [S] of each group: those of its cells of the highest dimension, bool by tag."""
    found: Held = {}
    for tag, members in raw.groups.items():
        held = np.zeros(len(block), dtype=bool)
        for i, chosen in enumerate(members):
            if len(chosen) and DIMENSION[raw.blocks[i][0]] == full:
                held |= (block == i) & np.isin(owner, chosen)
        found[tag] = held
    return found


def of_facets(raw: RawMesh, facets: Cells, several: NDArray[np.bool_]) -> tuple[Held, list[str], list[str]]:
    """Boundary facets [F, dim] of each group, found by their corners; notes; warnings.

    Args:
        raw: The mesh.
        facets: [F, dim].
        several: [P], points that were several in the file.
    """
    found: Held = {}
    notes, warnings = [], []
    key_of_boundary = None
    for tag, members in raw.groups.items():
        cells = [
            sx.split(kind, corners[chosen])[0]
            for (kind, corners), chosen in zip(raw.blocks, members, strict=True)
            if DIMENSION[kind] == facets.shape[1] - 1 and len(chosen)
        ]
        if not cells:
            continue
        own = np.concatenate(cells)
        key = sx.keys(np.concatenate([facets, own]))
        key_of_boundary, keys = key[: len(facets)], key[len(facets) :]
        found[tag] = np.isin(key_of_boundary, keys)
        inner = own[~np.isin(keys, key_of_boundary)]
        total, within = len(np.unique(keys)), len(np.unique(sx.keys(inner)))
        if not within:
            continue
        where = sx.where(np.asarray(raw.points[inner].mean(1)))
        if several[inner].all():
            warnings.append(
                f"{within} of the {total} facets of the group {tag!r} are no boundary, {where}: points on "
                "both sides of them coincide and were merged; a slit needs a gap"
            )
        else:
            notes.append(
                f"{within} of the {total} facets of the group {tag!r} lie inside the domain or are no facets "
                f"of its cells, and are passed over, {where}"
            )
    return found, notes, warnings


def of_nodes(raw: RawMesh, facets: Cells) -> Held:
    """Facets of each set of nodes: those with all corners in it."""
    return {tag: np.all(np.isin(facets, nodes), axis=1) for tag, nodes in raw.node_sets.items()}


def smallest(
    held: Mapping[str, NDArray[np.bool_]], count: int, rest: str
) -> tuple[list[str], Cells, list[str]]:
    """A tag for every facet: of several groups the smallest.

    Args:
        held: For each group the facets [F] in it.
        count: F.
        rest: The tag of facets in none.

    Returns:
        Tags, the position [F] of each facet's among them, and a note for every group that lost facets.
    """
    held = {tag: these for tag, these in held.items() if these.any()}
    order = sorted(held, key=lambda tag: -int(held[tag].sum()))
    index = np.full(count, -1)
    faces, notes = list(held), []
    for tag in order:
        index[held[tag]] = faces.index(tag)
    for tag in order:
        lost = held[tag] & (index != faces.index(tag))
        if lost.any():
            others = ", ".join(repr(faces[i]) for i in np.unique(index[lost]))
            notes.append(
                f"{int(lost.sum())} of the {int(held[tag].sum())} facets of the group {tag!r} are also in "
                f"the smaller {others}, and belong to that face"
            )
    if (index < 0).any():
        if rest not in faces:
            faces.append(rest)
        index[index < 0] = faces.index(rest)
    kept = np.unique(index)
    return [faces[i] for i in kept], np.searchsorted(kept, index), notes
