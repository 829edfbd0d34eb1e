"""Fields: names of derivatives, arithmetic, and derivatives of functions of the coordinates."""

import copy
from math import pi

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sapts_pinn.problems.fields import (
    Field,
    call_by_name,
    derivatives,
    parameter_names,
    parse_derivative,
    slope,
    spell,
)

NAMES = ("x", "y", "t")


def field(names=NAMES, n=5):
    """A field whose derivatives are different random numbers, and the record of what was asked for."""
    store = {}

    def channels(index):
        if index not in store:
            store[index] = (
                torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(len(store))) + 0.5
            )
        return store[index]

    return Field("u", names, channels), store


@pytest.mark.parametrize(
    ("text", "names", "index"),
    [
        ("x", NAMES, (0,)),
        ("xx", NAMES, (0, 0)),
        ("xt", NAMES, (0, 2)),
        ("tx", NAMES, (0, 2)),
        ("ytxx", NAMES, (0, 0, 1, 2)),
        ("x1", ("x1", "x2"), (0,)),
        ("x1x1", ("x1", "x2"), (0, 0)),
        ("x2x1", ("x1", "x2"), (0, 1)),
        ("x1x11", ("x1", "x11"), (0, 1)),
        ("x11x1", ("x1", "x11"), (0, 1)),
        ("xx", ("x", "xx"), (1,)),  # a coordinate's own name comes first
        ("theta", ("theta", "t"), (0,)),
        ("thetat", ("theta", "t"), (0, 1)),
        ("z", NAMES, None),
        ("xz", NAMES, None),
        ("sin", NAMES, None),
    ],
)
def test_parse(text, names, index):
    assert parse_derivative(text, names) == index


def test_ambiguous_names():
    with pytest.raises(
        AttributeError, match=r"'xxx' is ambiguous: write d\('x', 'x', 'x'\) or d\('x', 'xx'\)"
    ):
        parse_derivative("xxx", ("x", "xx"))
    u, _ = field(("x", "xx"))
    with pytest.raises(AttributeError, match=r"u\.'xxx' is ambiguous"):
        _ = u.xxx
    assert torch.equal(u.d("x", "xx").value, u.x.xx.value)


@given(st.lists(st.integers(0, 2), max_size=4), st.randoms())
def test_every_spelling(index, random):
    u, store = field()
    wanted = tuple(sorted(index))
    value = u.d(*(NAMES[i] for i in index)).value
    shuffled = [NAMES[i] for i in index]
    random.shuffle(shuffled)
    chained = u
    for name in shuffled:
        chained = getattr(chained, name)
    assert value is chained.value
    if index:
        assert value is getattr(u, "".join(shuffled)).value
    assert list(store) == [wanted] and spell(wanted, NAMES) == "".join(NAMES[i] for i in wanted)


@pytest.mark.parametrize("ask", [lambda u: u.z, lambda u: u.d("z"), lambda u: u.xz, lambda u: u.x.z])
def test_unknown_coordinate(ask):
    with pytest.raises(AttributeError, match=r"u\.x?z, but 'x?z' is not made of the coordinates x, y, t"):
        ask(field()[0])


def test_asking_for_nothing_evaluates_nothing():
    u, store = field()
    assert repr(u.xt) == "u.xt" and repr(u) == "u"
    assert copy.copy(u).value is u.value and list(store) == [()]


def test_arithmetic():
    u, _ = field()
    v, p = u.value, torch.linspace(1, 2, 5, dtype=torch.float64)
    for operate in (
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        lambda a, b: a < b,
        lambda a, b: a >= b,
    ):
        for other in (2, 2.5, p, np.float64(1.5), np.float32(1.5)):
            for left, right in ((u, other), (other, u)):
                plain = [v if x is u else x for x in (left, right)]
                result = operate(left, right)
                assert type(result) is torch.Tensor
                torch.testing.assert_close(result, operate(*plain), rtol=1e-15, atol=0)
        torch.testing.assert_close(operate(u, u.x), operate(v, u.x.value))
        torch.testing.assert_close(operate(u, u), operate(v, v))
    for result, expected in (
        (-u, -v),
        (+u, v),
        (abs(-1 * u), v),
        (u**3, v * v * v),
        (u > 1, v > 1),
        (u <= 1, v <= 1),
    ):
        torch.testing.assert_close(result, expected, rtol=1e-15, atol=0)


def test_torch_functions():
    u, _ = field()
    v = u.value
    for result, expected in (
        (torch.sin(u), torch.sin(v)),
        (torch.exp(-(u**2)), torch.exp(-v * v)),
        (torch.maximum(u, u.x), torch.maximum(v, u.x.value)),
        (torch.where(u > 1, u, 0.0), torch.where(v > 1, v, 0.0)),
        (torch.stack([u, u.x], 1), torch.stack([v, u.x.value], 1)),
        (torch.clamp(u, min=1), v.clamp(min=1)),
        (torch.pow(u, 3), v**3),
    ):
        assert type(result) is torch.Tensor
        torch.testing.assert_close(result, expected, rtol=1e-15, atol=0)
    with pytest.raises(TypeError, match="ufunc"):
        np.sin(u)


def test_call_by_name():
    known = {"u": 1, "x": 2, "nu": 3}
    assert call_by_name(lambda x, u: (x, u), known, "f") == (2, 1)
    assert call_by_name(lambda u, *, nu, factor=7: (u, nu, factor), known, "f") == (1, 3, 7)
    assert call_by_name(lambda: 5, known, "f") == 5
    assert parameter_names(lambda u, x, k=3: 0) == ("u", "x")
    with pytest.raises(ValueError, match="f asks for 'y', which is none of u, x, nu; rename the parameter"):
        call_by_name(lambda y: 0, known, "f")
    for nameless in (torch.sin, lambda *args: 0, lambda **names: 0, lambda x, /: 0):
        with pytest.raises(ValueError, match="parameters have no names to match; wrap it in a function"):
            call_by_name(nameless, known, "f")


def closed_form(p):
    x, t = p[:, 0], p[:, 1]
    return torch.sin(2 * x) * torch.exp(-t) + x**3 * t**2


def closed_derivatives(p):
    x, t = p[:, 0], p[:, 1]
    s, c, e = torch.sin(2 * x), torch.cos(2 * x), torch.exp(-t)
    return {
        (): s * e + x**3 * t**2,
        (0,): 2 * c * e + 3 * x**2 * t**2,
        (1,): -s * e + 2 * x**3 * t,
        (0, 0): -4 * s * e + 6 * x * t**2,
        (0, 1): -2 * c * e + 6 * x**2 * t,
        (0, 0, 1): 4 * s * e + 12 * x * t,
        (0, 0, 0, 1): 8 * c * e + 12 * t,
        (0, 0, 1, 1): -4 * s * e + 12 * x,
        (1, 1, 1, 1): s * e,
    }


def test_derivatives_against_closed_forms():
    points = torch.rand(
        9000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )  # two chunks
    expected = closed_derivatives(points)
    with torch.no_grad():
        found = derivatives(closed_form, points, list(expected))
    for index, value in zip(expected, found, strict=True):
        assert not value.requires_grad
        torch.testing.assert_close(value, expected[index], rtol=1e-13, atol=1e-13)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # the first jvp
def test_derivatives_against_nested_jvp():
    points = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def along(f, axis):
        tangent = torch.zeros_like(points)
        tangent[:, axis] = 1
        return lambda x: torch.func.jvp(f, (x,), (tangent,))[1]

    def pair(p):  # several values at a point
        return torch.stack([closed_form(p), torch.tanh(p[:, 0] * p[:, 1])], 1)

    indices = [(), (0,), (0, 0), (0, 1), (0, 0, 1), (0, 0, 0, 0)]
    for index, value in zip(indices, derivatives(pair, points, indices), strict=True):
        f = pair
        for axis in index:
            f = along(f, axis)
        torch.testing.assert_close(value, f(points), rtol=1e-12, atol=1e-12)
    # a function that differentiates, as the ansatz of an initial velocity does
    inner = lambda p: slope(closed_form, p, 1)
    expected = closed_derivatives(points)
    for value, index in (
        (inner(points), (1,)),
        (derivatives(inner, points, [(0, 0)])[0], (0, 0, 1)),
        (along(inner, 0)(points), (0, 1)),
        (derivatives(along(closed_form, 1), points, [(0, 0)])[0], (0, 0, 1)),
    ):
        torch.testing.assert_close(value, expected[index], rtol=1e-12, atol=1e-12)


def test_derivatives_of_constants_vanish():
    points = torch.rand(4, 2, dtype=torch.float64)
    for f in (lambda p: torch.ones_like(p[:, 0]), lambda p: pi * p[:, 0]):
        for value in derivatives(f, points, [(0, 0), (0, 1), (1,)]):
            assert torch.equal(value, torch.zeros_like(points[:, 0]))
