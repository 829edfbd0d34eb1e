"""A term of the loss at its points: residuals, Jacobian and products."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..derivatives.taylor import Channels, propagate
from ..kernels import CompiledNetwork, Cut
from ..networks.compiled import point_set
from ..networks.model import Location, Model
from ..problems import Sites, Term
from .replay import Pass, Recorder, agree

TAPE_LIMIT = 400e6  # bytes of activations kept for a reverse pass; beyond it points are processed in chunks
BLOCK_POINTS = 16_384  # at most in a block, on the processor


class _Propagator(nn.Module):
    """Taylor propagation as a module, so that `torch.func.functional_call` can exchange its parameters."""

    def __init__(self, network: nn.Module, channels: Channels) -> None:
        super().__init__()
        self.network, self.channels = network, channels

    def forward(self, inputs: Tensor) -> Tensor:
        return propagate(self.network, inputs, self.channels).transpose(1, 2)


class ResidualBlock:
    """A term of the loss at its sites, or at some of them.

    Args:
        model: The model.
        term: The term.
        sites: The places.
        count: Number of residuals over which the term is averaged.
        kernels: Compiled kernels of the model's network; without them PyTorch is used.
        location: The sites' points with the jets of the ansatz there, where they are known.
    """

    def __init__(
        self,
        model: Model,
        term: Term,
        sites: Sites,
        count: int,
        kernels: Sequence[CompiledNetwork],
        location: Location | None = None,
    ) -> None:
        self.model, self.term = model, term
        like = model.like
        self.sites = replace(
            sites,
            points=sites.points.to(like),
            normals=None if sites.normals is None else sites.normals.to(like),
            values=None if sites.values is None else sites.values.to(like),
        )
        self.location = location or Location(model, sites.points, term.needs)
        self.rows = sites.points.shape[0] // sites.fold
        weight = math.sqrt((term.weight if sites.weight is None else sites.weight) / count)
        self.scale = (weight / term.units_at(self.sites)).to(like)  # [rows, 1], or [rows, N / fold]
        self.points = point_set(kernels, self.location)
        self._stamp = 0
        self._pass: Pass | None = None
        self._recorder = Recorder()
        self._module = _Propagator(self.location.trainable, self.location.channels)
        weights = {name: p for name, p in self._module.named_parameters() if p.requires_grad}
        self._shapes = {name: p.shape for name, p in weights.items()}
        self._size = sum(p.numel() for p in weights.values())
        self._trained = [name for name, value in model.coefficients.items() if value.requires_grad]

    # Parameters are taken from theta and never from the modules, which may have moved on since.

    def _network(self, weights: Tensor) -> Tensor:
        """The network's jet [C, m, N] by PyTorch, a function of its trained weights [n]."""
        return self._call(self._by_name(weights), self.location.inputs)

    def _call(self, weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
        jet: Tensor = torch.func.functional_call(self._module, weights, (inputs,))
        return jet

    def _by_name(self, weights: Tensor) -> dict[str, Tensor]:
        pieces = weights.split([shape.numel() for shape in self._shapes.values()])
        return {
            name: piece.view(shape) for piece, (name, shape) in zip(pieces, self._shapes.items(), strict=True)
        }

    def _mixed(self, weights: Tensor, moving: Tensor, indices: Tensor) -> dict[str, Tensor]:
        """Weights by name, those at `indices` [k] taken from `moving` [k]; only these have derivatives."""
        named, start = self._by_name(weights), 0
        for name, shape in self._shapes.items():
            end = start + shape.numel()
            own = ((indices >= start) & (indices < end)).nonzero()[:, 0]
            if len(own):
                flat = named[name].reshape(-1).index_copy(0, indices[own] - start, moving[own])
                named[name] = flat.view(shape)
            start = end
        return named

    def _known(self, theta: Tensor) -> dict[str, Tensor]:
        """The coefficients: those that are trained from theta, the others from the model."""
        known = {name: value.detach() for name, value in self.model.coefficients.items()}
        return known | dict(zip(self._trained, theta[self._size :].unbind(), strict=True))

    def residual(self, theta: Tensor, record: bool = False) -> tuple[Tensor, int]:
        """Scaled residuals [rows of the term, N / fold], and a stamp for later calls about the same theta.

        Args:
            theta: The parameters, [n].
            record: Whether the passes may be recorded and replayed, which keeps their memory.
        """
        self._stamp += 1
        able = record and self.points is None
        recording = self._recorder.attend(self._forward, self._reverse, theta) if able else None
        if recording is not None:
            found, self._pass = recording.residual(theta), recording.made
            if not recording.due or agree(found, self._forward(theta).residual.detach()):
                return found, self._stamp
            self._recorder.forget(for_good=True)
        self._pass = self._forward(theta)
        return self._pass.residual.detach(), self._stamp

    def _forward(self, theta: Tensor) -> Pass:
        with torch.enable_grad():
            weights = theta[: self._size].clone().requires_grad_()
            jet = self._network(weights) if self.points is None else self.points.forward(theta)
            out = jet.detach().requires_grad_()
            # A copy of a coefficient for every point makes its Jacobian column a gradient like all others.
            known = {
                name: value.expand(out.shape[2]).clone().requires_grad_()
                for name, value in self._known(theta).items()
            }
            return Pass(theta, weights, jet, out, known, self.residual_of(out, known))

    def residual_of(self, out: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        """Scaled residuals [rows, N / fold] from the network's jet [C, m, N] and the coefficients."""
        rows = self.term.residual(self.location.fields(out), self.sites, known)
        return self.scale * torch.stack([r.expand(self.rows) for r in rows])

    def _at(self, theta: Tensor, stamp: int) -> Pass:
        """The forward pass to which a stamp belongs, made again where another one has come since."""
        if self._pass is None or stamp != self._stamp:
            self.residual(theta)
        assert self._pass is not None
        return self._pass

    def _pull_back(self, made: Pass, row: int | None, cotangent: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Cotangents of the network's jet [C, m, N] and of every point's trained coefficients [N]."""
        with torch.enable_grad():
            # The product in place of grad_outputs, whose check imports SymPy for a second in every process.
            target = ((made.residual if row is None else made.residual[row]) * cotangent).sum()
        leaves = [made.out, *(made.known[name] for name in self._trained)]
        found = torch.autograd.grad(target, leaves, retain_graph=True, allow_unused=True)
        bars = [
            torch.zeros_like(leaf) if bar is None else bar for bar, leaf in zip(found, leaves, strict=True)
        ]
        return bars[0], bars[1:]

    def vjp(self, theta: Tensor, stamp: int, cotangent: Tensor) -> Tensor:
        """J^T cotangent, [n]."""
        made, recording = self._at(theta, stamp), self._recorder.recording
        if recording is not None and made is recording.made:
            return recording.vjp(cotangent)
        return self._reverse(made, cotangent)

    def _reverse(self, made: Pass, cotangent: Tensor) -> Tensor:
        bar, coefficients = self._pull_back(made, None, cotangent)
        if self.points is not None:
            network = self.points.reverse(made.theta, bar)
        else:
            with torch.enable_grad():
                product = (made.jet * bar).sum()
            (network,) = torch.autograd.grad(product, made.weights, retain_graph=True, materialize_grads=True)
        return torch.cat([network, *(c.sum().reshape(1) for c in coefficients)])

    def cut(self, theta: Tensor, stamp: int, cotangent: Tensor, layers: Sequence[int]) -> list[Cut]:
        """State between layers of the compiled network, for a cotangent of the residuals."""
        assert self.points is not None
        bar, _ = self._pull_back(self._at(theta, stamp), None, cotangent)
        return self.points.cut(theta, bar, layers)

    def behind(self, kernel: CompiledNetwork, before: Cut | None) -> ResidualBlock:
        """Return the term as a function of the network's last layers, and of the coefficients.

        Args:
            kernel: The kernel of these layers.
            before: State before them; None where they are all layers.
        """
        assert self.points is not None
        found = copy(self)
        found.points, found._size = self.points.part(kernel, before, None), kernel.parameters
        found._pass, found._recorder = None, Recorder()
        return found

    def jacobian(self, theta: Tensor, stamp: int, indices: Tensor | None = None) -> Tensor:
        """J^T as columns, [n, rows of the term * N / fold].

        Args:
            theta: The parameters, [n].
            stamp: As `residual` returned it.
            indices: Parameters whose derivatives are computed, [k]; the result has k rows then.
        """
        made, (weights, scalars, back) = self._at(theta, stamp), self._chosen(indices)
        columns = []
        for row in range(self.term.rows):
            one = torch.ones(self.rows, dtype=theta.dtype, device=theta.device)
            bar, coefficients = self._pull_back(made, row, one)
            network = self._network_columns(theta, bar, weights)
            found = [coefficients[i].unsqueeze(0) for i in scalars]
            full = torch.cat([network, *found]) if found else network
            full = full if back is None else full[back]
            columns.append(full.unflatten(1, (self.sites.fold, self.rows)).sum(1))
        return columns[0] if len(columns) == 1 else torch.cat(columns, 1)

    def _chosen(self, indices: Tensor | None) -> tuple[Tensor | None, Sequence[int], Tensor | None]:
        """Split parameters [k] into the network's weights and coefficients.

        Returns:
            The weights, None for all of them; the coefficients' numbers; and the order of `indices` among
            both, None where it is theirs.
        """
        if indices is None:
            return None, range(len(self._trained)), None
        scalar = indices >= self._size
        if not bool(scalar.any()):
            return indices, (), None
        return (
            indices[~scalar],
            (indices[scalar] - self._size).tolist(),
            scalar.int().argsort(stable=True).argsort(),
        )

    def _network_columns(self, theta: Tensor, bar: Tensor, indices: Tensor | None) -> Tensor:
        if self.points is not None:
            return self.points.jacobian(theta, bar, indices)
        weights = theta[: self._size]
        chosen = weights if indices is None else weights[indices]
        if not len(chosen):
            return bar.new_empty(0, bar.shape[2])

        def one_point(inputs: Tensor, cotangent: Tensor) -> Tensor:
            def dot(moving: Tensor) -> Tensor:
                named = self._by_name(moving) if indices is None else self._mixed(weights, moving, indices)
                jet = self._call(named, inputs.unsqueeze(1))
                return (jet[:, :, 0] * cotangent).sum()

            gradient: Tensor = torch.func.grad(dot)(chosen)
            return gradient

        return torch.func.vmap(one_point, in_dims=(1, 2), chunk_size=1024)(self.location.inputs, bar).T

    def jvp(self, theta: Tensor, stamp: int, vector: Tensor) -> Tensor:
        """J vector, [rows of the term * N / fold].

        Forward mode goes through the network alone: what the user has written may read values with NumPy,
        which no transform of PyTorch bears.

        Args:
            theta: The parameters, [n].
            stamp: As `residual` returned it.
            vector: [n].
        """
        network, coefficients = vector[: self._size], vector[self._size :].unbind()
        moved: Tensor = torch.func.jvp(self._network, (theta[: self._size],), (network,))[1]
        made, products = self._at(theta, stamp), []
        for row in range(self.term.rows):
            one = torch.ones(self.rows, dtype=theta.dtype, device=theta.device)
            bar, bars = self._pull_back(made, row, one)
            product = (bar * moved).sum((0, 1))
            for found, value in zip(bars, coefficients, strict=True):
                product = product + found * value
            products.append(product.unflatten(0, (self.sites.fold, self.rows)).sum(0))
        return torch.cat(products)

    def release(self) -> None:
        """Free the memory kept for a reverse pass."""
        self._pass = None
        self._recorder.forget()
        self._stamp += 1
        if self.points is not None:
            self.points.release()


def split_sites(sites: Sites, most: int | None = None) -> list[Sites]:
    """Split sites into groups of points; paired points stay together.

    Args:
        sites: The places.
        most: Points of a group at most; None stands for BLOCK_POINTS.
    """
    most = BLOCK_POINTS if most is None else most
    if sites.points.shape[0] <= most or sites.fold > 1:
        return [sites]
    parts = -(-sites.points.shape[0] // most)

    def split(t: Tensor | None) -> Sequence[Tensor | None]:
        return [None] * parts if t is None else t.tensor_split(parts)

    triples = zip(split(sites.points), split(sites.normals), split(sites.values), strict=True)
    return [replace(sites, points=p, normals=n, values=v) for p, n, v in triples if p is not None]
