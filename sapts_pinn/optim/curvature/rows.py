"""Division of a dense symmetric matrix among ranks by rows, and of the vectors that it multiplies.

A rank holds some rows of a matrix H [n, n] and multiplies by these only; an all-gather joins the parts of a
product.  So R ranks hold n^2 / R numbers each and take 1 / R of the time.  Inside a model vectors are whole,
the same bits on every rank, and so are all numbers that follow from them.  The vectors that a model is given
and returns are whole in `Rows` and `DividedRows`; in `ShardedRows` they are a rank's shards.

What is called here may communicate: all ranks call it together.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

import torch
from torch import Tensor

from ...errors import InputError
from ...parallel.communicator import Communicator


class Rows:
    """All rows in one process, which is the interface of those that are divided."""

    @property
    def divided(self) -> bool:
        """Ranks hold different rows."""
        return False

    def held(self, n: int) -> slice:
        """The rows that this rank holds, of n."""
        return slice(0, n)

    def whole(self, *vectors: Tensor) -> list[Tensor]:
        """The whole of vectors that the model was given, [n] each."""
        return list(vectors)

    def recall(self, vector: Tensor, known: Tensor | None, tolerance: float) -> tuple[Tensor, bool]:
        """The whole of a vector that the model was given, and whether it is a known one.

        Args:
            vector: The vector.
            known: A whole vector, [n].
            tolerance: Relative difference up to which they are one.
        """
        same = known is not None and float((known - vector).norm()) <= tolerance * float(vector.norm())
        return vector, same

    def own(self, vector: Tensor) -> Tensor:
        """Return the part of a whole vector that the model gives back."""
        return vector

    def join(self, part: Tensor, n: int) -> Tensor:
        """Entries for the rows held [..., m] with those of all ranks, [..., n]."""
        return part

    def agree(self, flag: bool) -> bool:
        """Return whether a flag is set on every rank."""
        return flag

    def transposed(self, matrix: Tensor) -> Tensor:
        """The rows held of the transpose of a matrix, of which the rows held [m, n] are given."""
        return matrix.T

    def saved(self, matrix: Tensor, n: int) -> Tensor:
        """Return the rows of a matrix for a state, given those held [m, k]; rank 0 gets all of them."""
        return matrix

    def saved_rows(self, n: int) -> slice:
        """The rows of a matrix that the state of this rank has."""
        return slice(0, n)

    def loaded(self, matrix: Tensor, first: int, n: int) -> Tensor:
        """The rows held of a matrix of n rows, of which a state has [m, k] from `first` on.

        Raises:
            InputError: The state lacks some of them.
        """
        held = self.held(n)
        if not first <= held.start <= held.stop <= first + len(matrix):
            raise InputError(
                f"this state has rows {first} to {first + len(matrix)} of a matrix of {n} that ranks have "
                f"divided, and not rows {held.start} to {held.stop}; load the state of rank 0, "
                "or load it on as many ranks"
            )
        return matrix[held.start - first : held.stop - first]


class DividedRows(Rows):
    """Rows divided evenly among ranks, for vectors that every rank has whole.

    Args:
        communicator: The ranks.
    """

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator

    @property
    def divided(self) -> bool:
        """Ranks hold different rows."""
        return self.communicator.size > 1

    def shares(self, n: int) -> list[slice]:
        """The rows of every rank, of n."""
        size = self.communicator.size
        return [slice(rank * n // size, (rank + 1) * n // size) for rank in range(size)]

    def held(self, n: int) -> slice:
        """The rows that this rank holds, of n."""
        return self.shares(n)[self.communicator.rank]

    def join(self, part: Tensor, n: int) -> Tensor:
        """Entries for the rows held [..., m] with those of all ranks, [..., n]."""
        sizes = [share.stop - share.start for share in self.shares(n)]
        room = max(sizes)
        if part.shape[-1] < room:
            part = torch.nn.functional.pad(part, (0, room - part.shape[-1]))
        parts = self.communicator.all_gather(part)
        return torch.cat([its[..., :m] for its, m in zip(parts, sizes, strict=True)], -1)

    def agree(self, flag: bool) -> bool:
        """Return whether a flag is set on every rank."""
        return float(self.communicator.all_reduce(torch.tensor(float(not flag)))) == 0.0

    def transposed(self, matrix: Tensor) -> Tensor:
        """The rows held of the transpose of a matrix, of which the rows held [m, n] are given."""
        n, mine = matrix.shape[1], matrix
        for rank, share in enumerate(self.shares(n)):  # each rank's turn: what a round brings is of its size
            found = self.join(matrix[:, share].T, n)
            if rank == self.communicator.rank:
                mine = found
        return mine

    def saved(self, matrix: Tensor, n: int) -> Tensor:
        """Return the rows of a matrix for a state, given those held [m, k]; rank 0 gets all of them."""
        if self.communicator.rank:
            if matrix.numel():
                self.communicator.send(matrix, 0)
            return matrix
        mine, *others = self.shares(n)
        whole = matrix.new_empty(n, matrix.shape[1])
        whole[mine] = matrix
        for rank, share in enumerate(others, 1) if whole.numel() else ():
            whole[share] = self.communicator.receive(torch.empty_like(whole[share]), rank)
        return whole

    def saved_rows(self, n: int) -> slice:
        """The rows of a matrix that the state of this rank has."""
        return self.held(n) if self.communicator.rank else slice(0, n)


class ShardedRows(DividedRows):
    """The rows of a rank's own parameters, for vectors of which it has the shard of these."""

    def __init__(self, communicator: Communicator) -> None:
        super().__init__(communicator)
        self._shares: list[slice] = []

    def shares(self, n: int) -> list[slice]:
        """The rows of every rank, as long as their shards are."""
        return self._shares

    def _measure(self, own: int) -> int:
        """Learn how long the ranks' shards are, once; the length of all."""
        if not self._shares:
            ends = accumulate(self.communicator.gather_objects(own), initial=0)
            self._shares = [slice(a, b) for a, b in pairwise(ends)]
        return int(self._shares[-1].stop)

    def whole(self, *vectors: Tensor) -> list[Tensor]:
        """The whole of vectors that the model was given, [n] each."""
        return list(self.join(torch.stack(vectors), self._measure(len(vectors[0]))))

    def recall(self, vector: Tensor, known: Tensor | None, tolerance: float) -> tuple[Tensor, bool]:
        """The whole of a vector that the model was given, and whether it is a known one."""
        if known is not None:
            off = (known[self.held(len(known))] - vector).square().sum()
            squares = torch.stack([off, vector.square().sum()])
            far, size = self.communicator.all_reduce(squares).sqrt().tolist()
            if far <= tolerance * size:
                return known, True
        return self.whole(vector)[0], False

    def own(self, vector: Tensor) -> Tensor:
        """Return the part of a whole vector that the model gives back."""
        return vector[self.held(len(vector))].clone()

    def saved(self, matrix: Tensor, n: int) -> Tensor:
        """Return the rows of a matrix for a state: those held, as for a rank's own parameters."""
        return matrix

    def saved_rows(self, n: int) -> slice:
        """The rows of a matrix that the state of this rank has."""
        return self.held(n)

    def loaded(self, matrix: Tensor, first: int, n: int) -> Tensor:
        """The rows held of a matrix of n rows, of which a state has [m, k] from `first` on.

        Before the first vector the rows held are those that the ranks' states have.

        Raises:
            InputError: The state lacks some of them, or the states of all ranks are not one matrix.
        """
        if not self._shares and self._measure(len(matrix)) != n:
            self._shares = []
            raise InputError(
                f"this state is of a part of the {n} parameters, and the ranks' states together are not all; "
                "load it on as many ranks as have saved it"
            )
        return super().loaded(matrix, first, n)
