"""The interface of a condition, and the records by which it describes itself to the rest of the package.

A condition knows where it holds (`sites`), which residual vanishes there (`residual`) and which unknowns it
constrains.  These suffice for a weighted term of the loss.  By its other methods it takes part in more:

    prescribed, circle, features   the ansatz (`ansatz/build.py`)
    mirror_sign, surface, ...      the search for symmetries (`symmetry/`) and the audit
    demands, requirements_inside   the counting of conditions (`wellposed/`)
    measurements                   inverse problems, weights by noise, the error estimate

Their defaults describe a condition that does nothing of the kind.  Values are numbers or functions of the
coordinates, matched by parameter name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain, Time
from ..curvilinear import Space
from ..fields import Field, call_by_name, parameter_names
from ..functions.special import differentiable
from .sites import Sites as Sites  # noqa: PLC0414 - a name of this module too

if TYPE_CHECKING:
    from ..complex_unknowns import Parts

Value = float | Callable[..., Tensor]
Fields = Mapping[str, Field]
Known = Mapping[str, Tensor]
Function = Callable[[Tensor], Tensor]

VALUE = "value"  # kind of the demand u = value
LISTED = 4  # faces that are named in a short name
NORMAL = "n_"  # n_x is the component of the unit normal along the coordinate x


def value_at(
    value: Value, points: Tensor, names: tuple[str, ...], what: str, known: Known | None = None
) -> Tensor:
    """A condition's value at points [N, dim], as a tensor [N].

    Raises:
        InputError: The function asks for an unknown name, or returns no tensor that broadcasts to [N].
    """
    if not callable(value):
        complex_one = isinstance(value, complex)
        return (
            as_column(value, 1, what, points) if complex_one else torch.full_like(points[:, 0], float(value))
        )
    coordinates = {name: points[:, i].contiguous() for i, name in enumerate(names)}
    with differentiable():
        result = call_by_name(value, {**coordinates, **(known or {})}, what)
    if isinstance(result, Tensor) and result.dtype == torch.bool:
        result = result.to(points.dtype)  # in data a comparison such as x > 0.5 stands for 1 and 0
    return as_column(result, points.shape[0], what, points)


def as_column(result: object, n: int, what: str, like: Tensor, complex_too: bool = False) -> Tensor:
    """Broadcast what a user's function returned to [n].

    Raises:
        InputError: It is no number or tensor, or has another shape.
    """
    if isinstance(result, Field):
        result = result.value
    if isinstance(result, complex) or (isinstance(result, Tensor) and result.is_complex()):
        if complex_too:
            return torch.as_tensor(result, dtype=torch.complex128).expand(n)
        raise InputError(
            f"{what} returned complex numbers: declare the unknown as unknowns=Complex('h'), or write the "
            "real and the imaginary part as two unknowns, with an equation or a value for each"
        )
    if isinstance(result, bool) or (isinstance(result, Tensor) and result.dtype == torch.bool):
        raise InputError(
            f"{what} returned a comparison, true or false; return numbers: u.xx + u.yy == 1 is written "
            "u.xx + u.yy - 1, as the difference of its sides (not ==), a step as (x > 0.5) * 1.0"
        )
    if isinstance(result, (int, float)):
        return like.new_full((n,), float(result))
    if not isinstance(result, Tensor):
        fix = (
            "did it forget to return?"
            if result is None
            else "return a torch tensor (use torch.sin, not numpy.sin)"
        )
        raise InputError(f"{what} returned {type(result).__name__}; {fix}")
    if result.shape not in ((n,), ()):
        raise InputError(f"{what} returned shape {tuple(result.shape)} for {n} points; return shape ({n},)")
    return (result if result.is_floating_point() else result.to(like.dtype)).expand(n)


@dataclass(frozen=True)
class Prescribed:
    """Values of one unknown on the faces of a condition, which an ansatz can satisfy exactly.

    Attributes:
        unknown: Name of the unknown.
        value: Its values; None where only the rate is prescribed.
        rate: Its first time derivative; None where it is not prescribed.
        start: Whether they hold at the start of time only, else at all times.
    """

    unknown: str
    value: Value | None
    rate: Value | None = None
    start: bool = False

    @property
    def both(self) -> tuple[Value | None, Value | None]:
        """The value and the rate."""
        return self.value, self.rate


@dataclass(frozen=True)
class Measurements:
    """Size and quality of a set of measured values.

    Attributes:
        count: Number of values.
        unknown: Name of the measured unknown; None when an expression is measured.
        noise: Standard deviation that stands for all of them; None when it is not known.
        information: Sum of 1 / sigma_i^2; zero when the noise is not known.
        relative_noise: `noise` over the root mean square of the values.
    """

    count: int
    unknown: str | None = None
    noise: float | None = None
    information: float = 0.0
    relative_noise: float = 0.0


@dataclass(frozen=True)
class Surface:
    """A surface inside the domain across which the solution may have a kink.

    Attributes:
        coordinates: Names of the coordinates that its position depends on.
        level: Function of points [N, dim] that vanishes on the surface, [N].
    """

    coordinates: tuple[str, ...]
    level: Function


class Expressed(NamedTuple):
    """A condition as an expression of unknowns, coordinates, coefficients and the unit normal.

    Attributes:
        function: The expression, or a tuple of them, matched by parameter name; it vanishes on the faces.
        surface: Function of the coordinates that vanishes where the condition holds inside the domain.
        jumps: Whether the expression has the same value on both sides of a surface inside the domain.
        integrated: Whether its integral is prescribed.
        over: Coordinates of that integral; empty for those of space.
        value: The integral.
    """

    function: Callable[..., object]
    surface: Callable[..., object] | None = None
    jumps: bool = False
    integrated: bool = False
    over: tuple[str, ...] = ()
    value: Value = 0.0


class Feature(NamedTuple):
    """An additional input of the network.

    Attributes:
        name: Its name in words.
        function: Its values [N] at points [N, dim].
        coordinates: Names of the coordinates that it depends on.
        source: The user's argument that defines it, for messages.
    """

    name: str
    function: Function
    coordinates: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True)
class Demand:
    """A requirement of a condition on a face, as it is counted in the examination of a problem.

    Attributes:
        condition: The condition.
        kind: Demands of different kinds are independent of each other.
        value: The prescribed value, where there is one; equal values of one kind are one demand.
        factors: Coefficients of the prescribed expression, where the kind does not determine them.
        exclusive: Whether two demands of this kind on one face contradict each other.
    """

    condition: Condition
    kind: str
    value: Value | None = None
    factors: tuple[Value, ...] = ()
    exclusive: bool = False


class Condition(ABC):
    """A requirement on the solution besides the equation.

    Attributes:
        hard: True requires an exact construction, False a weighted term, None leaves the choice.
        weight: Weight of the term; None for a default, which is balanced in training.
        boundary_conditions: Number of boundary conditions that it certainly is, for each of its unknowns on
            each of its faces.
        prescribes_normal_derivative: Whether du/dn of one unknown is prescribed.
        mapped_by_reflections: Whether a symmetry of the problem has to map it to a condition of the same
            kind; False where it holds in every mirror image, or is judged in another way.
        joins_regions: Whether it says what holds where regions of the domain touch.
        integrates: Whether it is one on integrals; its `density` stands for it where places are compared.
    """

    hard: bool | None = None
    weight: float | None = None
    boundary_conditions: ClassVar[int] = 0
    prescribes_normal_derivative: ClassVar[bool] = False
    mapped_by_reflections: ClassVar[bool] = True
    joins_regions: ClassVar[bool] = False
    integrates: ClassVar[bool] = False

    # -- a term of the loss ----------------------------------------------------------------------------------

    @abstractmethod
    def unknowns(self) -> tuple[str, ...]:
        """Names of the unknowns it constrains; empty when it may constrain any of them."""

    @abstractmethod
    def faces(self, domain: Domain) -> tuple[str, ...]:
        """Tags of the faces where it holds; empty when it does not live on faces."""

    @abstractmethod
    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Draw about n sites where it is evaluated."""

    @abstractmethod
    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """Residuals that vanish where it holds, one tensor [N / fold] for each requirement."""

    @abstractmethod
    def describe(self, domain: Domain) -> str:
        """Short name such as `u on x=-1, x=1`."""

    def place(self, domain: Domain, most: int = LISTED) -> str:
        """Its faces in words; of more than `most` their number."""
        faces = self.faces(domain)
        return ", ".join(faces) if len(faces) <= most else f"{len(faces)} faces"

    def expressed(self) -> Expressed | None:
        """Form as an expression, for formulas; None where the demands say all, or there is no such form."""
        return None

    def asks_for(self) -> tuple[str, ...]:
        """Names that the functions it was given ask for: coordinates and coefficients."""
        functions = [value for value in vars(self).values() if callable(value)]
        return tuple(dict.fromkeys(name for f in functions for name in parameter_names(f)))

    def measurements(self) -> Measurements | None:
        """Summary of the data if it compares the solution with measured values, else None."""
        return None

    def in_parts(self, parts: Parts) -> tuple[Condition, ...]:
        """Conditions on the real and imaginary parts in place of one on complex unknowns."""
        return (self,)

    def before_start(self) -> Value | None:
        """Values of its unknown before the start of time, for equations that ask for them; None without."""
        return None

    # -- the ansatz ------------------------------------------------------------------------------------------

    def prescribed(self) -> Prescribed | None:
        """Values on its faces that the ansatz can satisfy exactly; None if it prescribes none."""
        return None

    def circle(self) -> str | None:
        """Name of the coordinate that it closes to a circle; None if it closes none."""
        return None

    def features(self, domain: Domain) -> tuple[Feature, ...]:
        """Inputs of the network that let it satisfy the condition."""
        return ()

    # -- symmetries ------------------------------------------------------------------------------------------

    def mirror_sign(self) -> int | None:
        """Sign of the continuation across its faces: -1 for u = 0, 1 for du/dn = 0, None for all others."""
        return None

    def surface(self, domain: Domain) -> Surface | None:
        """Surface inside the domain that it holds on; None if it holds elsewhere."""
        return None

    def density(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """Integrands at single sites, whose integral is the residual; else the residual itself."""
        return self.residual(fields, sites, domain, known)

    def spans_time(self, domain: Domain) -> bool:
        """Test whether it ties values at different times together."""
        return False

    def varies_on_faces(self) -> bool:
        """Test whether the residual, as a function of the unknowns' values, may vary over a face."""
        return True

    def is_like(self, other: Condition) -> bool:
        """Test whether another condition is of the same kind and constrains the same unknowns."""
        return type(other) is type(self) and other.unknowns() == self.unknowns()

    # -- well-posedness --------------------------------------------------------------------------------------

    def demands(self, rows: int) -> list[Demand]:
        """Independent requirements on each of its faces.

        Args:
            rows: Number of its residuals.
        """
        return [Demand(self, f"row {id(self)} {i}") for i in range(rows)]

    def requirements_inside(self, domain: Domain) -> int:
        """Number of independent requirements at points that are not on faces."""
        data = self.measurements()
        if data is not None:
            return data.count
        return 0 if self.faces(domain) or self.surface(domain) is not None else 1

    # -- checks ----------------------------------------------------------------------------------------------

    def _check(self, **values: object) -> None:
        """Refuse a weight that is not positive and values that are neither finite numbers nor functions."""
        of = f"{type(self).__name__}({', '.join(map(repr, self.unknowns()))})"
        if self.hard not in (None, True, False):
            raise InputError(f"{of}: hard must be True, False or None, not {self.hard!r}")
        if self.weight is not None and not (is_finite(self.weight) and self.weight > 0):
            raise InputError(f"{of}: weight must be a positive number, not {self.weight!r}")
        for name, value in values.items():
            parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
            if not callable(value) and not all(map(is_finite, parts)):
                raise InputError(
                    f"{of}: {name} must be a finite number or a function of the coordinates, not {value!r}"
                )


def is_finite(value: object) -> bool:
    """Test for a finite number."""
    try:
        return math.isfinite(cast("float", value))  # others raise TypeError
    except (TypeError, ValueError, RuntimeError):
        return False


def time_factor(domain: Domain) -> Time | None:
    """Time factor of a domain, if it has one."""
    return next((shape for shape in domain.factors() if isinstance(shape, Time)), None)


def time_names(domain: Domain) -> tuple[str, ...]:
    """Names of the time coordinate: one or none."""
    time = time_factor(domain)
    return () if time is None else time.names


def family_names(domain: Domain) -> tuple[str, ...]:
    """Names of the parameters, along which a domain is a family of problems."""
    return sum((shape.names for shape in domain.factors() if shape.is_parameter), ())


def space_names(domain: Domain) -> Space:
    """Names of the coordinates of space."""
    others = (*time_names(domain), *family_names(domain))
    return Space.of(domain, tuple(name for name in domain.names if name not in others))
