"""Contact of the regions of a domain: the unknowns are continuous there, and so is a flux.

    part = Mesh("part.msh")                                     # its groups of cells are its regions
    Problem(
        part, "T", lambda T, k: k * (T.xx + T.yy) + 1,
        conditions=[Contact(flux=lambda T, k, n_x, n_y: k * (T.x * n_x + T.y * n_y)), ...],
        materials={"k": {"steel": 50.0, "copper": 390.0}},
    )

No smooth network has the kinks of such a solution.  Where all contacts are whole planes and spheres, the
distances to them without sign become inputs of the network, which is continuous then with a kink (as in
`interface.py`).  Elsewhere an input for each region, one inside and zero outside, makes the network another
smooth function in every region, and continuity becomes a weighted term beside that of the flux.
Sources: Tseng, Lin, Hu and Lai, arXiv:2210.08424 (kinks); Hu, Lin and Lai, A discontinuity capturing shallow
neural network for elliptic interface problems, J. Comput. Phys. 469 (2022) 111576 (regions as inputs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain
from ...geometry.patches import product_patches
from ...geometry.regions import Level, Regions
from ..fields import call_by_name, parameter_names
from .base import LISTED, Condition, Expressed, Feature, Fields, Function, Known, Sites, Surface, as_column
from .boundary_equation import with_normals
from .interface import aside

BESIDE = 2e-4  # of the extents: so near to a contact a kink is meant
WHAT = "the flux of the contact"


@dataclass(frozen=True)
class Contact(Condition):
    """Continuity of the unknowns and of a flux where the regions of a domain touch.

    Args:
        flux: Function of unknowns, coordinates, coefficients, materials and components of the unit normal
            (n_x for the coordinate x), all matched by parameter name, which has the same value on both sides;
            or a tuple of such values.
        unknown: The unknowns that are continuous, a name or several; None: all of them.
        hard: None builds continuity in where it can be; False makes it a weighted term, as a periodic cell
            needs.
        weight: Weight w of the term, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.

    Raises:
        InputError: `flux` is no function, or the weight is not positive.
    """

    joins_regions: ClassVar[bool] = True

    flux: Callable[..., object]
    unknown: str | tuple[str, ...] | None = None
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.flux):
            raise InputError(
                f"Contact: flux must be a function such as lambda u, k, n_x: k * u.x * n_x, not {self.flux!r}"
            )
        if self.unknown is not None and not isinstance(self.unknown, str):
            object.__setattr__(self, "unknown", tuple(self.unknown))
        self._check()

    def unknowns(self) -> tuple[str, ...]:
        """Names of the continuous unknowns; empty when all are."""
        if self.unknown is None:
            return ()
        return (self.unknown,) if isinstance(self.unknown, str) else self.unknown

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """No faces: regions touch inside the domain.  It is checked here that there are some.

        Raises:
            InputError: The domain has no regions.
        """
        regions_of(domain, "Contact")
        return ()

    def joins(self, domain: Domain) -> bool:
        """Test for a network that is continuous by construction: all unknowns are, at planes and spheres."""
        return self.unknown is None and self.hard is None and bool(regions_of(domain, "Contact").levels)

    def features(self, domain: Domain) -> tuple[Feature, ...]:
        """Network inputs for a kink at the contacts, or for another function in each region."""
        regions = regions_of(domain, "Contact")
        if self.joins(domain):
            place = [domain.names.index(name) for name in regions.names]
            points = domain.interior(1024, Generator().manual_seed(5))[:, place]
            return tuple(
                Feature(
                    "kink at a contact",
                    _kink(level, place, float(level(points).abs().max())),
                    regions.names,
                    "the kink at a contact, which Contact(hard=False) leaves out,",
                )
                for level in regions.levels
            )
        return tuple(
            Feature(f"region {label}", _inside(regions, i, domain), regions.names)
            for i, label in enumerate(regions.labels)
        )

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Pairs of points on both sides: first all those in the first regions, then their partners."""
        regions = regions_of(domain, "Contact")
        names = set(regions.names)
        rest = [factor for factor in domain.factors() if not names & set(factor.names)]
        others = product_patches([factor.patches() for factor in rest]) if rest else []
        points, normals = regions.touching(max(n // 2, 1), generator, sampler, others)
        order = [*regions.names, *(name for factor in rest for name in factor.names)]
        columns = [order.index(name) for name in domain.names]
        points, normals = points[:, columns], normals[:, columns]
        step = aside(domain) * normals
        return Sites(torch.cat([points - step, points + step]), torch.cat([normals, normals]), fold=2)

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The differences of the fluxes between the two sides, and of the unknowns that may jump.

        Raises:
            InputError: The flux is wrong, or uses no unknown.
        """
        if not any(name in fields for name in parameter_names(self.flux, WHAT)):
            raise InputError(f"{WHAT} uses no unknown; name one ({', '.join(fields)}) as a parameter")
        result = call_by_name(self.flux, with_normals(fields, sites, domain, known, WHAT), WHAT)
        rows = [*result] if isinstance(result, (tuple, list)) else [result]
        if not self.joins(domain):
            rows += [fields[name].value for name in self.unknowns() or tuple(fields)]
        out = []
        for row in rows:
            before, behind = as_column(row, sites.points.shape[0], WHAT, sites.points).chunk(2)
            out.append(behind - before)
        return tuple(out)

    def surface(self, domain: Domain) -> Surface:
        """Surface of all contacts: its level is zero beside them, and one elsewhere."""
        regions = regions_of(domain, "Contact")
        place = [domain.names.index(name) for name in regions.names]
        steps = BESIDE * torch.diag(domain.bounds[1] - domain.bounds[0])[place][:, place]

        def level(points: Tensor) -> Tensor:
            at = points[:, place].double()
            sides = torch.stack([regions.number(at + sign * step) for step in steps for sign in (-1, 1)])
            return (sides == sides[0]).all(0).to(points)

        return Surface(regions.names, level)

    def requirements_inside(self, domain: Domain) -> int:
        """None: it joins regions, of which each has its own equation."""
        return 0

    def asks_for(self) -> tuple[str, ...]:
        """Names that the flux asks for."""
        return parameter_names(self.flux, WHAT)

    def expressed(self) -> Expressed:
        """The flux that is the same on both sides of a contact."""
        return Expressed(self.flux, jumps=True)

    def place(self, domain: Domain, most: int = LISTED) -> str:
        """The regions that touch."""
        return f"the {self.describe(domain)}"

    def describe(self, domain: Domain) -> str:
        """Short name such as `contact of steel, copper`."""
        return f"contact of {', '.join(regions_of(domain, 'Contact').labels)}"


def regions_of(domain: Domain, what: str) -> Regions:
    """The regions of a domain.

    Raises:
        InputError: It has none.
    """
    if domain.regions is None:
        raise InputError(
            f"{what}: {domain!r} has no regions; take a mesh with two groups of cells at least, or divide a "
            "shape by with_regions({'steel': ..., 'copper': ...})"
        )
    return domain.regions


def _kink(level: Level, place: list[int], size: float) -> Function:
    return lambda points: level(points[:, place]).abs() / size


def _inside(regions: Regions, i: int, domain: Domain) -> Function:
    return lambda points: (regions.of(domain, points) == i).to(points.dtype)
