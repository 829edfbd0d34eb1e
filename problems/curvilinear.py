"""Round coordinates: the operators of cylindrical, polar and radial spherical ones, regular at the centre.

With r the distance from an axis (d = 2) or a point (d = 3), theta an angle and z any other coordinate,

    grad u    = (u.r, u.theta / r, u.z)
    div v     = v_r.r + (d - 1) v_r / r + v_theta.theta / r + v_z.z
    laplace u = u.rr + (d - 1) u.r / r + u.thetatheta / r^2 + u.zz.

At r = 0 a smooth u is even in r and the radial component v_r odd, so that f / r stands for its limit f.r
there.  The ansatz sees to the parity: networks get r^2, times r for an odd unknown.  Then u.r is r times a
smooth function in its last bits too, and u.r / r is accurate for every r > 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import InputError
from ..geometry import Domain

if TYPE_CHECKING:
    from .description import Description


class Space(tuple[str, ...]):
    """Names of the coordinates of space, with what makes some of them round.

    Attributes:
        radii: Dimension d of the space around its centre, by radius.
        angles: Radius by angle.
    """

    radii: Mapping[str, int]
    angles: Mapping[str, str]

    @classmethod
    def of(cls, domain: Domain, names: tuple[str, ...]) -> Space:
        """The coordinates of space of a domain."""
        found = cls(names)
        found.radii = {f.names[0]: f.of_dim for f in domain.factors() if f.of_dim > 1}
        turns = [f.names[0] for f in domain.factors() if f.is_angle]
        found.angles = dict.fromkeys(turns, next(iter(found.radii), ""))
        return found


def centres(domain: Domain) -> tuple[str, ...]:
    """Radii that begin at a centre inside the domain."""
    return tuple(f.names[0] for f in domain.factors() if f.centre is not None)


def check_round(problem: Description) -> None:
    """Refuse round coordinates that make no sense together, and conditions at a centre.

    Raises:
        InputError: An angle without a radius, or around a point; a sector of a disk; something prescribed at
            the centre; or an unknown that is odd in another coordinate than a radius from 0 on.
    """
    domain = problem.domain
    radii = [f for f in domain.factors() if f.of_dim > 1]
    angles = [f for f in domain.factors() if f.is_angle]
    inside = {f.centre: f.names[0] for f in radii if f.centre is not None}
    if len(radii) > 1 or len(angles) > 1 or (angles and not radii):
        raise InputError(
            f"{domain!r} has {len(radii)} radii and {len(angles)} angles; polar coordinates are "
            "Radius(0, 1) * Angle()"
        )
    if angles and radii[0].of_dim != 2:
        raise InputError(f"{angles[0].names[0]} turns around an axis: drop around='point'")
    if angles and inside:
        raise InputError(
            f"an angle has no meaning at {radii[0].centre}: take a Ball in x and y in place of a whole disk, "
            "or begin the radius further out"
        )
    for angle in angles:
        closed = any(c.circle() == angle.names[0] for c in problem.conditions)
        if not angle.spatial_faces and not closed:
            raise InputError(f"{angle.names[0]} makes a full turn: add Periodic({angle.names[0]!r})")
    for condition in problem.conditions:
        for face in condition.faces(domain):
            if face in inside:
                raise InputError(
                    f"{type(condition).__name__} holds on {face}, which lies inside the body and is no "
                    "boundary: drop it; unknowns are smooth there by construction"
                )
    for unknown in problem.functions:
        if unknown.odd is not None and unknown.odd not in centres(domain):
            raise InputError(
                f"Unknown({unknown.name!r}, odd={unknown.odd!r}) needs a Radius from 0 on: drop odd"
            )
