"""Names of coordinates and tags of faces: checks, and groups of faces by name."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ..errors import InputError


def joined_groups(*several: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Groups of faces by name; groups of one name are merged."""
    out: dict[str, tuple[str, ...]] = {}
    for groups in several:
        for tag, faces in groups.items():
            out[tag] = tuple(dict.fromkeys((*out.get(tag, ()), *faces)))
    return out


def checked_names(names: Sequence[str] | None, dim: int) -> tuple[str, ...]:
    """Coordinate names, by default x, y, z or x1, x2, ...

    Args:
        names: the names, or None for the default.
        dim: how many there have to be.

    Raises:
        InputError: they are not `dim` different identifiers.
    """
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
    """The tag of a face, once it is checked.

    Raises:
        InputError: it is no text, empty, or the name of a coordinate.
    """
    if not isinstance(tag, str):
        raise InputError(f"a face tag must be text such as 'inlet', not {tag!r}")
    if not tag or tag in names:
        raise InputError(f"a face tag must not be empty or the name of a coordinate; got {tag!r}")
    return tag


def named_group(
    tag: str | None, names: tuple[str, ...], faces: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """The group of all faces of a shape, under its tag; no group without a tag."""
    return {} if tag is None else {checked_tag(tag, names): faces}


def check_product(names: tuple[str, ...], faces: tuple[str, ...], groups: Iterable[str]) -> None:
    """Refuse labels of a product that mean two things.

    Args:
        names: coordinates of all factors.
        faces: faces of all factors.
        groups: names of groups of faces.

    Raises:
        InputError: a coordinate or a face occurs twice, or a face or group is called like a coordinate.
    """
    for what, labels, fix in (("coordinate", names, "name"), ("face", faces, "tag")):
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise InputError(f"two factors of a product have a {what} {twice[0]!r}; give one another {fix}")
    for label in (*faces, *groups):
        if label in names:
            raise InputError(
                f"{label!r} is the tag of a face and the name of a coordinate; give one another name"
            )


class Labelled(Protocol):
    """A shape with named coordinates, faces, and groups of faces."""

    names: tuple[str, ...]
    faces: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]

    def flat_faces(self, name: str) -> tuple[str, ...]: ...  # noqa: D102


def resolved_faces(shape: Labelled, on: str | Iterable[str]) -> tuple[str, ...]:
    """Tags of the faces that a selection of faces, groups and coordinates stands for, without repetition.

    Args:
        shape: the shape that has the faces.
        on: a face, a group, or a coordinate (its flat faces); or several of these.

    Raises:
        InputError: there is no such face, group or coordinate, or a coordinate without flat faces.
    """
    together = [f"{tag} (all of {', '.join(faces)})" for tag, faces in shape.groups.items()]
    known = ", ".join([*shape.faces, *together])
    tags: list[str] = []
    for item in [on] if isinstance(on, str) else on:
        found = ((item,) if item in shape.faces else ()) + tuple(shape.groups.get(item, ()))
        if not found and item in shape.names:
            found = shape.flat_faces(item)
            if not found:
                raise InputError(
                    f"no face of this domain is flat and perpendicular to {item}, so that on={item!r} "
                    f"means none of them; name those you mean among {known}"
                )
        if not found:
            raise InputError(
                f"no face {item!r}: the faces of this domain are {known}; "
                f"a coordinate ({', '.join(shape.names)}) stands for all of its flat faces"
            )
        tags.extend(found)
    return tuple(dict.fromkeys(tags))


def told_apart(a: Labelled, b: Labelled) -> dict[str, str]:
    """New tags such as "x=1 (outer)" for the faces of `a` whose namesake in `b` is in another group.

    Args:
        a: the shape whose faces are renamed.
        b: the other shape.

    Returns:
        New tags by the old ones.
    """

    def groups_of(shape: Labelled, face: str) -> set[str]:
        return {tag for tag, faces in shape.groups.items() if face in faces}

    out = {}
    for face in (f for f in a.faces if f in b.faces):
        mine, theirs = groups_of(a, face), groups_of(b, face)
        if mine != theirs:
            out[face] = f"{face} ({min(mine - theirs, default='rest')})"
    return out


def face_words(shape: Labelled, on: str | Iterable[str], most: int = 4) -> str:
    """Describe a selection of faces as people know them: by the tag of a shape, else face by face.

    Args:
        shape: the shape that has the faces.
        on: as for `resolved_faces`.
        most: names that are listed; of more faces their number is told.
    """
    words: list[str] = []
    for item in [on] if isinstance(on, str) else on:
        words += [item] if item in shape.groups else resolved_faces(shape, item)
    words = list(dict.fromkeys(words))
    return ", ".join(words) if len(words) <= most else f"{len(resolved_faces(shape, on))} faces"
