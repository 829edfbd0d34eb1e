"""A boundary condition written like an equation: several unknowns, their derivatives and the normal.

    BoundaryEquation(
        lambda u, v, n_x, n_y: (sxx(u, v) * n_x + sxy(u, v) * n_y, sxy(u, v) * n_x + syy(u, v) * n_y),
        on="hole",
    )

says that no traction acts on a hole.  Dirichlet, Neumann and Robin conditions are the special cases that name
one unknown; this is the rest: tractions, slip walls, open outlets, impedances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain
from ...geometry.names import face_words
from ..fields import call_by_name, parameter_names
from .base import (
    LISTED,
    NORMAL,
    Condition,
    Expressed,
    Fields,
    Known,
    Sites,
    as_column,
    space_names,
    time_factor,
)

if TYPE_CHECKING:
    from ..complex_unknowns import Parts


@dataclass(frozen=True)
class BoundaryEquation(Condition):
    """An expression, or a tuple of them, that must vanish on the boundary.

    Args:
        equation: Function of unknowns, coordinates, coefficients and components of the outward unit normal
            (n_x for the coordinate x), all matched by parameter name; derivatives are attributes, as in an
            equation.
        on: A face ("x=-1"), a coordinate (its flat faces), several of these, or None: the whole boundary in
            space.
        hard: None and False make it a weighted term; there is no exact construction.
        weight: Weight w of the term, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.

    Raises:
        InputError: `equation` is no function, or the weight is not positive.
    """

    equation: Callable[..., object]
    on: str | Iterable[str] | None = None
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.equation):
            raise InputError(
                "BoundaryEquation needs a function of the unknowns such as lambda u, n_x: u.x * n_x, "
                f"not {self.equation!r}"
            )
        if self.on is not None and not isinstance(self.on, str):
            object.__setattr__(self, "on", tuple(self.on))
        self._check()

    def unknowns(self) -> tuple[str, ...]:
        """No names: the expression may constrain any of the unknowns."""
        return ()

    def in_parts(self, parts: Parts) -> tuple[Condition, ...]:
        """The expressions of the parts of complex unknowns."""
        return (replace(self, equation=parts.written(self.equation)),) if parts.names else (self,)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """Tags of the faces, all of them in space.

        Raises:
            InputError: There is no such face, or it is a start or end of time.
        """
        tags, time = domain.face_tags(self.on), time_factor(domain)
        if not tags:
            raise InputError(f"BoundaryEquation: {domain!r} has no boundary in space; use Initial")
        for face in tags:
            if time is not None and face in time.faces:
                raise InputError(
                    f"BoundaryEquation(on={face!r}): a normal needs a face in space; use Initial"
                )
        return tags

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Points of the faces with their normals."""
        drawn = domain.boundary(n, generator, on=self.faces(domain), sampler=sampler)
        return Sites(drawn.points, drawn.normals)

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """Values of the expressions, one tensor [N] for each.

        Raises:
            InputError: The function is wrong, uses no unknown, or a name could mean the normal.
        """
        what, points = f"the {self.describe(domain)}", sites.points
        arguments = with_normals(fields, sites, domain, known, what)
        if not any(name in fields for name in parameter_names(self.equation, what)):
            raise InputError(f"{what} uses no unknown; name one ({', '.join(fields)}) as a parameter")
        result = call_by_name(self.equation, arguments, what)
        rows = result if isinstance(result, (tuple, list)) else (result,)
        return tuple(as_column(row, points.shape[0], what, points) for row in rows)

    def expressed(self) -> Expressed:
        """The expression that vanishes on its faces."""
        return Expressed(self.equation)

    def describe(self, domain: Domain) -> str:
        """Short name such as `boundary equation on hole`."""
        return f"boundary equation on {self.place(domain)}"

    def place(self, domain: Domain, most: int = LISTED) -> str:
        """Its faces in words, by the tag of a shape where the user gave that."""
        self.faces(domain)
        return face_words(domain, domain.spatial_faces if self.on is None else self.on, most)


def with_normals(fields: Fields, sites: Sites, domain: Domain, known: Known, what: str) -> dict[str, object]:
    """Arguments of a function on a surface, by name: unknowns, coordinates, coefficients, the normal.

    Raises:
        InputError: A name could mean the normal.
    """
    assert sites.normals is not None
    columns = {name: i for i, name in enumerate(domain.names)}
    arguments = {**fields, **{name: sites.points[:, i] for name, i in columns.items()}, **known}
    for name in space_names(domain):
        if NORMAL + name in arguments:
            raise InputError(
                f"{what}: {NORMAL + name!r} means the normal here; rename the unknown, coordinate or "
                "coefficient of that name"
            )
        arguments[NORMAL + name] = sites.normals[:, columns[name]]
    return arguments
