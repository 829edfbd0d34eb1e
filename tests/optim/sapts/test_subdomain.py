"""The interface of subdomains: restriction to the parameters that one moves, and extension by zero."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.optim.sapts.subdomain import LocalEvaluation, Subdomain

N = 7


class Some(Subdomain):
    """Moves some parameters, or all."""

    def __init__(self, indices: Tensor | None) -> None:
        self.number, self.indices = 0, indices

    def centre(self, *_: object) -> None:
        raise NotImplementedError

    def evaluate(self, z: Tensor) -> LocalEvaluation:
        raise NotImplementedError


@pytest.mark.parametrize("indices", [None, [0], [5, 1, 6], list(range(N))])
def test_extension_is_the_transpose_of_restriction(indices: list[int] | None) -> None:
    part = Some(None if indices is None else torch.tensor(indices))
    matrix = torch.eye(N).double()[range(N) if indices is None else indices]
    v, own = randn(N), randn(len(matrix), seed=1)
    assert torch.equal(part.restrict(v), matrix @ v)
    assert torch.equal(part.extend(own, N), matrix.T @ own)
    assert torch.equal(part.restrict(part.extend(own, N)), own)


def test_a_subdomain_has_no_piece_of_f_unless_it_says() -> None:
    part = Some(None)
    assert not part.is_piece and part.begin(None, None) is None  # type: ignore[arg-type]

    class Look(LocalEvaluation):
        whole = True

        def gradient(self) -> Tensor:
            return randn(N)

        def full_gradient(self) -> Tensor:
            return self.gradient()

    assert Look().own_piece() is None
