"""Checks of the arguments of a problem: names, conditions, coefficients and additions."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

import torch

from ..errors import InputError
from ..geometry import Domain
from .conditions.base import Condition, family_names
from .fields import RESERVED, parameter_names
from .obstacles import check_obstacles
from .quantities import Quantity
from .references import Reference
from .unknowns import Coefficient

if TYPE_CHECKING:
    from .description import Description


def check_default_device() -> None:
    """Refuse a default device of PyTorch on which tensors would be made that belong on the processor.

    Raises:
        InputError: It is another one.
    """
    device = torch.get_default_device()
    if device.type != "cpu":
        raise InputError(
            f"PyTorch's default device is {device.type} (`import deepxde` sets it where there is a GPU), and "
            "problems are stated on the processor: call torch.set_default_device('cpu') first, and give "
            f"device={device.type!r} to solve"
        )


def check_statement(problem: Description) -> None:
    """Refuse names, conditions, additions and coefficients that do not fit together.

    Raises:
        InputError: Something is wrong; one sentence says what, and how to mend it.
    """
    check_names(problem)
    check_conditions(problem)
    check_additions(problem)
    check_obstacles(problem)
    check_coefficients(problem)


def check_names(problem: Description) -> None:
    """Refuse names that are no parameters of functions, or that stand for two things.

    Raises:
        InputError: A name is wrong, there is no unknown, or domain, coefficients or equation are of a wrong
            type.
    """
    if not isinstance(problem.domain, Domain):
        raise InputError(f"domain must be a shape such as Interval(0, 1), not {problem.domain!r}")
    unknowns, coordinates = problem.unknown_names, problem.domain.names
    if not unknowns:
        raise InputError("a problem needs at least one unknown, for example unknowns='u'")
    for coefficient in problem.coefficients:
        if not isinstance(coefficient, Coefficient):
            raise InputError(f"{coefficient!r} is not a coefficient; write Coefficient('nu', init=0.1)")
    given = [*(c.name for c in problem.coefficients), *(i.name for i in problem.integrals)]
    names = [*unknowns, *coordinates, *given, *problem.materials]
    for name in names:
        _check_parameter(name)
        if names.count(name) > 1:
            raise InputError(
                f"{name!r} names two things among unknowns, coordinates and coefficients; rename one"
            )
        if name in coordinates and name in RESERVED:
            raise InputError(
                f"{name!r} cannot name a coordinate, {unknowns[0]}.{name} has a meaning; rename it"
            )
    if not callable(problem.equation):
        raise InputError(
            f"equation must be a function such as lambda {unknowns[0]}: ..., not {problem.equation!r}"
        )
    for function in problem.functions:
        for name in function.of or ():
            if name not in coordinates:
                raise InputError(
                    f"Unknown({function.name!r}, of={name!r}): {name!r} is none of the coordinates "
                    f"{', '.join(coordinates)}; rename it"
                )


def _check_parameter(name: object) -> None:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise InputError(
            f"{name!r} cannot be the name of a function's parameter; use a name such as u or c1, and "
            "unknowns=('u', 'v') for several unknowns"
        )


def check_conditions(problem: Description) -> None:
    """Refuse conditions on unknowns, or on faces, that do not exist.

    Raises:
        InputError: A condition names one, or is no condition.
    """
    for condition in problem.conditions:
        if not isinstance(condition, Condition):
            raise InputError(f"{condition!r} is not a condition; use Dirichlet, Neumann, Initial, ...")
        for name in condition.unknowns():
            if name not in problem.unknown_names:
                raise InputError(
                    f"{type(condition).__name__}({name!r}): there is no unknown {name!r} "
                    f"among {', '.join(problem.unknown_names)}"
                )
        faces = condition.faces(problem.domain)
        for shape in problem.domain.factors():
            if shape.is_parameter and any(face in shape.faces for face in faces):
                raise InputError(
                    f"{type(condition).__name__} holds on {' and '.join(faces)}, but {shape.names[0]} is a "
                    "parameter, at whose ends nothing can be prescribed: name other faces, or make it an "
                    "Interval"
                )


def check_family(problem: Description) -> None:
    """Refuse derivatives by a parameter, and an equation without one that the domain has.

    Raises:
        InputError: There is such a derivative, or a domain of parameters alone.
    """
    names = problem.domain.names
    family = family_names(problem.domain)
    if len(family) == len(names):
        raise InputError(
            f"{problem.domain!r} has parameters and no coordinates: multiply it by an Interval or a Time"
        )
    for term in (problem.equation_term, *problem.condition_terms) if family else ():
        for unknown, indices in term.needs.items():
            for name in {names[i] for index in indices for i in index} & {*family}:
                raise InputError(
                    f"{term.name} has a derivative of {unknown} by {name}, which is a parameter: make it an "
                    "Interval if it is meant to be a coordinate"
                )


def check_additions(problem: Description) -> None:
    """Refuse particular parts, quantities and references that do not fit the problem.

    Raises:
        InputError: An argument has a wrong type, or names something that the problem does not have.
    """
    unknowns, coordinates = problem.unknown_names, problem.domain.names
    for label, part in problem.particular.items():
        if label not in unknowns or not callable(part):
            raise InputError(
                f"particular: {label!r} is {part!r}; give functions of the coordinates by unknown "
                f"({', '.join(unknowns)})"
            )
    for label, quantity in problem.quantities.items():
        if not isinstance(quantity, Quantity):
            raise InputError(
                f"quantities: {label!r} is {quantity!r}; write Quantity(lambda solution: ..., value=...)"
            )
    for label, function in problem.derived.items():
        if not callable(function):
            raise InputError(f"derived: {label!r} is {function!r}; give functions of the unknowns by name")
    for label in problem.displacement:
        if label not in unknowns:
            raise InputError(f"displacement: {label!r} is none of the unknowns {', '.join(unknowns)}")
    _check_reference(problem.reference, coordinates)


def _check_reference(reference: object, coordinates: tuple[str, ...]) -> None:
    """Refuse a reference that is neither a `Reference` nor a function of the coordinates."""
    if reference is None or isinstance(reference, Reference):
        return
    if not callable(reference):
        raise InputError(
            "reference must be a function of the coordinates, such as lambda x: x * (1 - x) (for several "
            f"unknowns one that returns a dict of them), or a Reference, not {reference!r}"
        )
    for name in parameter_names(reference, "the reference"):
        if name not in coordinates:
            raise InputError(
                f"the reference asks for {name!r}, which is none of the coordinates "
                f"{', '.join(coordinates)}; rename the parameter"
            )


def check_coefficients(problem: Description) -> None:
    """Refuse coefficients and materials that neither the equation nor a condition asks for.

    Raises:
        InputError: There is one.
    """
    asked = {*parameter_names(problem.equation, "the equation")}
    for integral in problem.integrals:
        if integral.name not in asked:
            raise InputError(
                f"the equation does not use Integral({integral.name!r}); name it as a parameter, or drop it"
            )
        integral.check(problem.domain)
    for integral in problem.integrals:
        asked.update(parameter_names(integral.integrand))
    for condition in problem.conditions:
        asked.update(condition.asks_for())
    for obstacle in problem.obstacles:
        asked.update(obstacle.asks_for())
    for coefficient in problem.coefficients:
        if coefficient.name not in asked:
            raise InputError(
                f"nothing uses the coefficient {coefficient.name!r}; "
                "name it as a parameter of the equation, or drop it"
            )
    for name in problem.materials:
        if name not in asked:
            raise InputError(
                f"nothing uses the material {name!r}; name it as a parameter of the equation, or drop it"
            )
