"""Kinds of the options of methods: what fits the annotation of a parameter."""

from dataclasses import dataclass
from typing import TypedDict, Unpack

import pytest

from sapts_pinn.optim.methods import METHODS
from sapts_pinn.optim.options import hints, misfit


class More(TypedDict, total=False):
    steps: int


@dataclass
class Record:
    share: float = 0.5
    model: "str | Record | None" = None


def taker(radius: float, exact: bool = False, rule: Record | None = None, **more: Unpack[More]) -> None: ...


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("radius", 2, None),
        ("radius", 0.5, None),
        ("radius", "far", "a number"),
        ("radius", True, "a number"),
        ("radius", None, "a number"),
        ("exact", False, None),
        ("exact", 1, "true or false"),
        ("steps", 3, None),
        ("steps", 1.5, "a whole number"),
        ("rule", None, None),
        ("rule", "wide", "none"),
        ("unknown", "far", None),
    ],
)
def test_a_value_is_compared_with_the_annotation_of_its_parameter(name, value, wanted):
    assert misfit(name, value, taker) == wanted


def test_fields_of_a_record_are_parameters():
    assert hints(Record) == {"share": float, "model": str | Record | None}
    assert misfit("model", "lsr1", Record) is None and misfit("model", 3, Record) == "a word or none"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_knows_the_kind_of_its_options(name):
    option = "lr" if "adam" in name else "iterations" if name == "lbfgs" else "radius"
    assert METHODS[name].misfit(option, "far") is not None
    assert METHODS[name].misfit(option, 1) is None
