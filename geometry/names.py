"""Names of coordinates and tags of faces: checks, and groups of faces by name."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence

from ..errors import InputError


def joined_groups(*several: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Names for several faces; of the same name the faces together."""
    out: dict[str, tuple[str, ...]] = {}
    for groups in several:
        for tag, faces in groups.items():
            out[tag] = tuple(dict.fromkeys((*out.get(tag, ()), *faces)))
    return out


def checked_names(names: Sequence[str] | None, dim: int) -> tuple[str, ...]:
    """Default coordinate names, or those given; ValueError unless they are `dim` different identifiers."""
    if names is None:
        return ("x", "y", "z")[:dim] if dim <= 3 else tuple(f"x{i + 1}" for i in range(dim))
    names = tuple(names)
    if len(names) != dim:
        raise InputError(f"{dim} coordinates need {dim} names; got {names}")
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name) or names.count(name) > 1:
            raise InputError(
                f"a coordinate name must be a Python identifier and used once; got {name!r} in {names}"
            )
    return names


def checked_tag(tag: str, names: tuple[str, ...]) -> str:
    """The tag, or ValueError where `face_tags` could take it for a coordinate."""
    if not isinstance(tag, str):
        raise InputError(f"a face tag must be text such as 'inlet', not {tag!r}")
    if not tag or tag in names:
        raise InputError(f"a face tag must not be empty or the name of a coordinate; got {tag!r}")
    return tag


def named_group(
    tag: str | None, names: tuple[str, ...], faces: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """The group that a shape's tag stands for: all of its faces; none without a tag."""
    return {} if tag is None else {checked_tag(tag, names): faces}
