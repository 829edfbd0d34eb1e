"""Points in any form: what they mean, the shape and kind of the answer, sentences about mistakes."""

import numpy as np
import pytest
import torch

from sapts_pinn.errors import InputError
from sapts_pinn.results.places import places

NAMES = ("x", "t")
LIST = torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], dtype=torch.float64)
X, T = LIST.unbind(1)


@pytest.mark.parametrize(
    ("points", "named", "in_tensors"),
    [
        (LIST, {}, True),
        (LIST.numpy(), {}, False),
        (LIST.tolist(), {}, False),
        ([tuple(row) for row in LIST.tolist()], {}, False),
        ([*LIST.numpy()], {}, False),
        ([*LIST], {}, True),
        ({"t": T.numpy(), "x": X.tolist()}, {}, False),
        ({"t": T.numpy(), "x": X}, {}, True),
        (None, {"x": X, "t": T}, True),
        (None, {"t": T.float().double().numpy(), "x": X.numpy()}, False),
    ],
)
def test_all_forms_mean_the_same_points(points, named, in_tensors):
    found = places(NAMES, points, named)
    assert torch.allclose(found.flat, LIST, rtol=1e-6) and found.flat.dtype == torch.float64
    assert found.shape == (3,) and found.in_tensors == in_tensors
    answer = found.answer({"u": X})
    assert isinstance(answer, torch.Tensor if in_tensors else np.ndarray)
    assert set(found.answer({"u": X, "v": X})) == {"u", "v"}


def test_the_answer_has_the_shape_of_the_points():
    grid = places(NAMES, None, {"x": np.zeros((4, 1)), "t": np.arange(3)})
    assert grid.shape == (4, 3) and grid.shaped(grid.flat[:, 1])[2].tolist() == [0, 1, 2]
    assert places(NAMES, (0.5, 1), {}).shape == () and places(NAMES, {"x": 0.5, "t": 1}, {}).shape == ()
    assert places(NAMES, np.zeros((4, 5, 2)), {}).shape == (4, 5)
    assert places(NAMES, np.zeros((0, 2)), {}).flat.shape == (0, 2)
    for points, shape in ((np.zeros(4), (4,)), (np.zeros((4, 1)), (4,)), ([0.5], (1,)), (0.5, ())):
        assert places(("x",), points, {}).shape == shape, "of one coordinate every number is a point"


def test_a_graph_is_kept_where_a_gradient_is_wanted():
    x = X.float().requires_grad_()
    found = places(NAMES, {"x": x, "t": 0.5}, {})
    assert torch.autograd.grad(found.flat[:, 0].sum(), x)[0].tolist() == [1, 1, 1]
    assert not found.plain.requires_grad and found.shaped(found.flat[:, 0]).requires_grad
    with torch.no_grad():
        assert not places(NAMES, {"x": x, "t": 0.5}, {}).flat.requires_grad


@pytest.mark.parametrize(
    ("points", "named", "sentence"),
    [
        (
            [1.0, 2.0, 3.0],
            {},
            r"points must be \[..., 2\] with the coordinates x, t .*, not \[3\]; .* x=..., t=...",
        ),
        ((X, T), {}, "not 2 arrays in a tuple"),
        ((X[:2], T[:2]), {}, "not 2 arrays in a tuple"),
        (np.meshgrid([0, 1], [0, 1]), {}, "not 2 arrays in a"),
        (0.5, {}, r"not \[\]"),
        ([X, T[0]], {}, r"points have different shapes: \[3\], \[\]"),
        ("ab", {}, "points must be real numbers, not 'ab'"),
        ([[1.0, 2.0], [3.0]], {}, "points must be real numbers"),
        (None, {"x": 1j, "t": 0}, "the coordinate x must be real numbers, not 1j"),
        (None, {"x": None, "t": 0}, "the coordinate x must be real numbers, not None"),
        (None, {"x": [0, 1, 2], "t": [0, 1]}, r"do not broadcast: x \[3\], t \[2\]; .* x\[:, None\]"),
        (None, {"x": 0.5}, "exactly the coordinates x, t, not x"),
        ({"x": 0.5, "t": 0, "y": 1}, {}, "exactly the coordinates x, t, not x, t, y"),
        (None, {}, "exactly the coordinates x, t, not nothing"),
        (LIST, {"x": 0.5}, "given twice, and as x=...; drop one"),
    ],
)
def test_mistakes_are_sentences(points, named, sentence):
    with pytest.raises(InputError, match=sentence):
        places(NAMES, points, named)
