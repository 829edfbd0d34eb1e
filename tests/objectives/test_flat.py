"""Parameters as one flat vector, and back."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from draws import randn
from sapts_pinn.objectives.flat import (
    distinct,
    gather,
    gather_gradients,
    gradient,
    scatter_,
    scatter_gradients,
)


def tensors() -> list[Tensor]:
    """A matrix, a number, a transposed matrix that is not contiguous, nothing."""
    return [randn(2, 3), randn(1)[0], randn(4, 2, seed=1).T, randn(0)]


def test_a_vector_has_the_entries_in_order_and_goes_back() -> None:
    given = tensors()
    vector = gather(given)
    assert vector.is_contiguous() and vector.tolist() == [x for t in given for x in t.reshape(-1).tolist()]
    other = randn(len(vector), seed=5)
    scatter_(given, other)
    assert torch.equal(gather(given), other) and given[2].shape == (2, 4)
    vector.zero_()
    assert torch.equal(gather(given), other), "a vector is a copy"
    with pytest.raises(RuntimeError, match="split"):
        scatter_(given, torch.zeros(len(vector) + 1))


def test_parameters_are_written_without_a_graph() -> None:
    p = nn.Parameter(torch.ones(3))
    scatter_([p], torch.zeros(3))
    assert p.requires_grad and p.grad_fn is None and not p.detach().any()
    assert not gather([p]).requires_grad


def test_gradients_that_are_missing_or_sparse_are_entries_too() -> None:
    table, other, unused = (
        nn.Embedding(4, 2, sparse=True),
        nn.Parameter(torch.ones(2)),
        nn.Parameter(torch.ones(3)),
    )
    (table(torch.tensor([1, 3, 1])).sum() + (other**2).sum()).backward()
    assert table.weight.grad is not None and table.weight.grad.is_sparse
    found = gather_gradients([table.weight, other, unused])
    assert found.tolist() == [0, 0, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0, 0]


def test_gradients_are_set_as_copies() -> None:
    a, b = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(1))
    vector = torch.arange(5.0)
    scatter_gradients([a, b], vector)
    vector.zero_()
    assert torch.equal(gather_gradients([a, b]), torch.arange(5.0)) and a.grad is not None
    assert a.grad.shape == (2, 2)


def test_a_tensor_given_twice_is_one_variable() -> None:
    a, b = torch.ones(2), torch.ones(2)
    found = distinct(iter([b, a, b]))
    assert [x is y for x, y in zip(found, (b, a), strict=True)] == [True, True]


def test_gradients_are_in_the_order_of_the_parameters_with_zeros_where_there_is_none() -> None:
    a, unused, b = (t.requires_grad_() for t in (randn(2, 2), randn(3), randn(1)))
    vector = torch.cat([(a**2).reshape(-1), 3 * b])
    cotangent = randn(5, seed=7)

    def flat(**options: bool) -> Tensor:
        return gradient(vector, [a, unused, b], cotangent, **options)

    expected = torch.cat([2 * a.detach().reshape(-1) * cotangent[:4], torch.zeros(3), 3 * cotangent[4:]])
    assert torch.allclose(flat(retain_graph=True), expected, rtol=1e-15)
    slopes = flat(create_graph=True)
    (second,) = torch.autograd.grad(slopes[:4].sum(), a)
    assert torch.allclose(second, 2 * cotangent[:4].view(2, 2), rtol=1e-15)
