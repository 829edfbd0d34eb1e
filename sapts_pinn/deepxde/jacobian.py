"""All rows of the Jacobian of a DeepXDE model at once.

Where derivatives are propagated, the errors' derivatives by the jet are carried through the network point
by point. Elsewhere the gradient caches of DeepXDE do not go together with `torch.func`. But if every row of
the points is given weights of its own, copies that are expanded and not stored, then a residual depends on
the weights of its own row (or of its two rows, of a periodic pair), and one reverse pass of the sum of a
term's errors finds the Jacobian rows of all of them. It needs a network whose parameters are those of linear
layers.

Both need residuals that depend on one point each; a product with J tells whether it was so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

import torch
from torch import Tensor, nn

from .recording import Call, Products, SumOfSquares

ROWS_AT_ONCE = 64  # rows at a time where each takes a reverse pass of its own
COLUMNS = 64  # entries at most of the tensors that no linear layer has
AGREES = 1e-3  # relative difference of a product with J that float32 explains


def jacobian(objective: SumOfSquares, evaluation: Products) -> Tensor:
    """J = dr/dtheta, [N, n], at the parameters that are set.

    Args:
        objective: A sum of squares.
        evaluation: A look at it, for products with J.
    """
    if objective.rowwise is not False:
        J = _from_bundle(objective) if objective.propagation else _from_copies(objective, evaluation)
        if J is not None and objective.rowwise is None:
            random = torch.Generator().manual_seed(0)
            v = torch.randn(J.shape[1], generator=random, dtype=torch.float64).to(J)
            product = evaluation.jvp(v)
            objective.rowwise = float((J @ v - product).norm()) <= AGREES * float(product.norm())
        if J is not None and objective.rowwise:
            return J
        objective.rowwise = False
    return _row_by_row(objective, evaluation)


def _from_bundle(objective: SumOfSquares) -> Tensor | None:
    """Through the propagated derivatives; None where the data do not allow it."""
    places, propagation = objective.view.places(), objective.propagation
    assert propagation is not None
    if places is None:
        return None
    theta = torch.cat([p.detach().reshape(-1) for p in propagation.plan.weights])
    coefficients = objective.parameters[len(propagation.plan.weights) :]
    with torch.enable_grad():
        jet = propagation.forward(theta).requires_grad_()
    calls, _, total = objective.look(network=lambda inputs: propagation.field(inputs, jet))
    scales = objective.scales(calls, total)
    with torch.enable_grad():
        errors = [scale * e.reshape(len(e), -1) for scale, e in zip(scales, _errors(calls), strict=True)]
    ends = list(accumulate((e.numel() for e in errors), initial=0))
    # By columns, as they come: what is large is copied once.
    transposed = theta.new_empty(len(theta), ends[-1])
    for group in _apart(errors, places, objective.view.count()):
        with torch.enable_grad():
            target = torch.stack([errors[call][:, component].sum() for call, component in group]).sum()
        (bar,) = torch.autograd.grad(target, jet, retain_graph=True)
        columns = propagation.columns(theta, bar)
        for call, component in group:
            first, *others = (_chosen(columns, rows) for rows in places[call])
            own = transposed[:, ends[call] + component : ends[call + 1] : errors[call].shape[1]]
            own.copy_(first)
            for other in others:
                own += other
    J = transposed.T
    if coefficients:
        J = torch.cat([J, _by_coefficients(errors, coefficients)], 1)
    return _with_decay(J, objective)


def _chosen(columns: Tensor, rows: Tensor) -> Tensor:
    """Some columns; those that follow one another are not copied."""
    first, last = int(rows[0]), int(rows[-1])
    follow = last - first + 1 == len(rows) and bool((rows.diff() == 1).all())
    return columns[:, first : last + 1] if follow else columns[:, rows]


def _by_coefficients(errors: Sequence[Tensor], coefficients: Sequence[Tensor]) -> Tensor:
    """The derivatives of the errors by the unknown coefficients, [N, k], as those of u -> J^T u."""
    with torch.enable_grad():
        r = torch.cat([e.reshape(-1) for e in errors])
        u = torch.zeros_like(r, requires_grad=True)
        slopes = torch.autograd.grad(r, coefficients, u, create_graph=True, materialize_grads=True)
        entries = torch.cat([s.reshape(-1) for s in slopes]).unbind()
    if not entries[0].requires_grad:  # no residual depends on them
        return r.new_zeros(len(r), len(entries))
    columns = [
        torch.autograd.grad(entry, u, retain_graph=True, materialize_grads=True)[0] for entry in entries
    ]
    return torch.stack(columns, 1)


def _apart(
    errors: Sequence[Tensor], places: Sequence[tuple[Tensor, ...]], points: int
) -> list[list[tuple[int, int]]]:
    """Groups of components of the errors, (term, component), in each of which no point comes twice."""
    groups: list[list[tuple[int, int]]] = []
    taken: list[Tensor] = []
    for term, error in enumerate(errors):
        rows = torch.cat(places[term])
        for component in range(error.shape[1]):
            number = next((k for k, mask in enumerate(taken) if not mask[rows].any()), len(taken))
            if number == len(taken):
                groups.append([])
                taken.append(torch.zeros(points, dtype=torch.bool))
            groups[number].append((term, component))
            taken[number][rows] = True
    return groups


def _with_decay(J: Tensor, objective: SumOfSquares) -> Tensor:
    """And the rows of L2 regularisation, if there is some."""
    if not objective.l2:
        return J
    count = sum(p.numel() for p in objective.model.net.parameters())
    identity = torch.eye(count, J.shape[1], dtype=J.dtype, device=J.device)
    return torch.cat([J, math.sqrt(objective.share * objective.l2) * identity])


def _from_copies(objective: SumOfSquares, evaluation: Products) -> Tensor | None:
    """By copies of the weights; None where the network or the data do not allow it."""
    net, parameters = objective.model.net, objective.parameters
    linears = [m for m in net.modules() if isinstance(m, nn.Linear)]
    covered = {id(p) for m in linears for p in m.parameters()}
    places, rest = objective.view.places(), sum(p.numel() for p in parameters if id(p) not in covered)
    if places is None or rest > COLUMNS:
        return None
    with _own_weights(linears, objective.view.count()) as copies:
        try:
            calls, _, total = objective.look()
        except RuntimeError:  # a layer that is not fed with the rows
            return None
        blocks = []
        for scale, error, rows in zip(objective.scales(calls, total), _errors(calls), places, strict=True):
            # Several components of an error are flattened point by point.
            components = [
                scale * _rows_of(component, parameters, copies, rows) for component in _components(error)
            ]
            blocks.append(torch.stack(components, 1).flatten(0, 1))
    J = _with_decay(torch.cat(blocks), objective)
    start = 0
    for p in parameters:
        for i in range(start, start + p.numel()) if id(p) not in covered else ():
            unit = J.new_zeros(J.shape[1])
            unit[i] = 1.0
            J[:, i] = evaluation.jvp(unit)
        start += p.numel()
    return J


def _errors(calls: Sequence[Call]) -> list[Tensor]:
    with torch.enable_grad():
        return [found - wanted for _, wanted, found in calls]


def _components(error: Tensor) -> Sequence[Tensor]:
    with torch.enable_grad():
        return error.reshape(len(error), -1).unbind(1)


def _rows_of(
    error: Tensor, parameters: Sequence[Tensor], copies: dict[int, Tensor], rows: tuple[Tensor, ...]
) -> Tensor:
    """The Jacobian of an error at every point of a term, [N, n]; it depends on one or two rows each."""
    one = torch.ones_like(error)
    found = torch.autograd.grad(error, list(copies.values()), one, retain_graph=True, allow_unused=True)
    own = {key: g for key, g in zip(copies, found, strict=True) if g is not None}
    pieces = [
        torch.stack([own[id(p)][r].flatten(1) for r in rows]).sum(0)
        if id(p) in own
        else p.new_zeros(len(error), p.numel())
        for p in parameters
    ]
    return torch.cat(pieces, 1)


@contextmanager
def _own_weights(linears: list[nn.Linear], points: int) -> Iterator[dict[int, Tensor]]:
    """Every point's own weights, by the `id` of the parameter they are copies of."""
    copies: dict[int, Tensor] = {}
    try:
        for linear in linears:
            weight = linear.weight.detach().expand(points, -1, -1).requires_grad_()
            copies[id(linear.weight)] = weight
            bias = None
            if linear.bias is not None:
                bias = copies[id(linear.bias)] = linear.bias.detach().expand(points, -1).requires_grad_()
            linear.__dict__["forward"] = _forward(weight, bias)
        yield copies
    finally:
        for linear in linears:
            linear.__dict__.pop("forward", None)


def _forward(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        out = torch.bmm(weight, x.unsqueeze(-1)).squeeze(-1)
        return out if bias is None else out + bias

    return forward


def _row_by_row(objective: SumOfSquares, evaluation: Products) -> Tensor:
    r = evaluation.linearised()[0]
    rows = []
    for start in range(0, len(r), ROWS_AT_ONCE):
        count = min(ROWS_AT_ONCE, len(r) - start)
        units = torch.zeros(count, len(r), dtype=r.dtype, device=r.device)
        units[torch.arange(count), start + torch.arange(count)] = 1.0
        found = torch.autograd.grad(
            r, objective.parameters, units, retain_graph=True, is_grads_batched=True, allow_unused=True
        )
        pieces = [
            p.new_zeros(count, p.numel()) if g is None else g.reshape(count, -1)
            for g, p in zip(found, objective.parameters, strict=True)
        ]
        rows.append(torch.cat(pieces, 1))
    return torch.cat(rows)
