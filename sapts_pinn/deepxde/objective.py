"""The loss of a DeepXDE model as an objective.

    f(theta) = sum_k w_k loss_k(theta),      loss_k = mean of the squares of the errors e_k

The terms are those that DeepXDE computes, by the code that DeepXDE has for them; a loss function in place of
the model's takes down the errors by the way.  With a_c = df / d loss_c for every call c of that function,

    r = (sqrt(2 a_c / N_c) e_c)_c,     f = |r|^2 / 2,

whatever DeepXDE does with the losses in between (weights, means over functions).  Products with J = dr/dtheta
come from reverse mode, J v from the derivative of u -> J^T u.

Derivatives of the network are propagated where that is possible (`propagation`), and are DeepXDE's otherwise.

Regularisation is part of f: L1 as DeepXDE adds it, L2 as what the weight decay of its optimizers stands for,
lambda |theta|^2 / 2 over the network's parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import deepxde as dde
import torch
from torch import Tensor

from ..errors import InputError
from ..objectives.base import Counters, Objective, Separable
from ..objectives.flat import distinct, gather, gradient, scatter_
from .evaluation import DeepXDEEvaluation, DeepXDEResidualEvaluation
from .placing import default_device, on_processor
from .propagation import MAX_ORDER, Plan, Propagation, plan_for
from .recording import Call, Look, Network, _Recorder
from .untyped import Arrays, Loss, Model, Net
from .views import View, Whole, refresh, view_of

SQUARES = 1e-4  # relative difference of f and |r|^2 / 2, or of f and the sum of parts, that float32 explains
PARTS = 1e-3  # and of their gradients
SAME = {torch.float64: 1e-8, torch.float32: 1e-3}  # of f and its gradient, propagated or not
SAMPLE = 500  # points of every group at which that is looked at
AWAY = 0.1  # of the size of the parameters


class DeepXDEObjective(Separable):
    """The training loss of a `deepxde.Model` on its current points.

    Args:
        model: The model; it need not be compiled.
        loss: As for `Model.compile`: a name, a function, or a list of one for each term.
        loss_weights: Of the terms.
        parameters: The tensors to train, by default those of the network.
        inputs: The points as the network takes them; by default those of `model.data`.
        targets: What belongs to them.
        auxiliary: Their auxiliary variables.
        counters: Where work is counted.

    Attributes:
        squares: Whether f is a sum of squares of errors, so that Gauss-Newton applies;
        rows: and of how many.
        rowwise: Whether every residual depends on one point, as far as the Jacobian has been asked for.
        plan: How derivatives are propagated, or None.
        inputs: The points as tensors.
        threads: For what is compiled; as many as PyTorch had when this was made.

    Raises:
        InputError: The parameters are of several types, or the regularisation is unknown.
    """

    @on_processor
    def __init__(
        self,
        model: Model,
        loss: Loss = "MSE",
        loss_weights: Sequence[float] | None = None,
        parameters: Sequence[Tensor] | None = None,
        inputs: Arrays = None,
        targets: Arrays = None,
        auxiliary: Arrays = None,
        counters: Counters | None = None,
    ) -> None:
        self.model = model
        self.loss = dde.losses.get(loss)
        self.loss_weights = None if loss_weights is None else [float(w) for w in loss_weights]
        self.parameters = distinct(model.net.parameters() if parameters is None else parameters)
        self.counters, self.share = counters or Counters(), 1.0
        self.threads = torch.get_num_threads()
        kinds = {p.dtype for p in self.parameters}
        if len(kinds) > 1:
            raise InputError(
                f"the trained tensors are of the types {', '.join(sorted(map(str, kinds)))}; call "
                "dde.config.set_default_float before making the network and the variables"
            )
        self.l1, self.l2 = _regularisation(model.net)
        self.plan: Plan | None = None
        if inputs is None:
            inputs, targets, auxiliary = (*model.data.train_next_batch(), None)[:3]
        refresh(model.data)
        self._take_up(view_of(model.data, inputs, targets, auxiliary, 0))
        self.plan = self._find_plan()
        self._set(inputs, targets, auxiliary)
        if self.compiled and not self._sample()._is_deepxde():
            self.plan = None
            self._set(inputs, targets, auxiliary)
        self.counters.log(self.slow_path)

    def _set(self, inputs: Arrays, targets: Arrays, auxiliary: Arrays) -> None:
        """Take points; one evaluation tells how many terms there are, and whether they are what they seem."""
        data = self.model.data
        refresh(data)
        self._take_up(view_of(data, inputs, targets, auxiliary, 0))
        _, losses, _ = self.look()
        self._take_up(view_of(data, inputs, targets, auxiliary, len(losses)))
        self.squares = self._has_squares()

    def _take_up(self, view: View) -> None:
        self.view, self.sites, self.coordinates = view, view.sites, view.coordinates
        self.last_terms = {}
        self.rowwise: bool | None = None
        self._propagation: Propagation | None = None
        device = self.parameters[0].device
        self.inputs = _tensors(view.inputs, device, True)
        self._targets, self._auxiliary = (_tensors(v, device) for v in (view.targets, view.auxiliary))

    def renewed(self, inputs: Arrays, targets: Arrays = None, auxiliary: Arrays = None) -> DeepXDEObjective:
        """Make the same loss on other points of the same model."""
        other = self._copy(self.view, 1.0)
        other._set(inputs, targets, auxiliary)
        return other

    def adds_up(self) -> bool:
        """Test that the losses and gradients of two parts of the points add up to the whole."""
        if isinstance(self.view, Whole) or sum(len(site.points) for site in self.sites.values()) < 4:
            return False
        halves: list[dict[str, Tensor]] = [{}, {}]
        for name, site in self.sites.items():  # as different as can be, for means over them to differ
            order = site.points[: len(site.points) // site.fold, 0].argsort()
            for half, rows in zip(halves, order.tensor_split(2), strict=True):
                half[name] = rows
        with self._away():
            found = [self.restrict(half).value_and_grad() for half in halves]
            value, gradient = self.value_and_grad()
        close = abs(sum(v for v, _ in found) - value) <= SQUARES * abs(value)
        return close and float((sum(g for _, g in found) - gradient).norm()) <= PARTS * float(gradient.norm())

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Away from where training has led, or rounding would be all that is left of a gradient."""
        theta = gather(self.parameters)
        random = torch.Generator().manual_seed(0)
        noise = torch.randn(len(theta), generator=random, dtype=torch.float64, device=random.device)
        try:
            scatter_(self.parameters, theta + AWAY * theta.square().mean().sqrt() * noise.to(theta))
            yield
        finally:
            scatter_(self.parameters, theta)

    def _find_plan(self) -> Plan | None:
        """Plan for propagating the derivatives; None if there is none."""
        if not isinstance(self.inputs, Tensor) or dde.config.autodiff != "reverse":
            return None
        with self._away():  # where an unknown coefficient is not zero
            return plan_for(
                self.model.net, lambda network: [call[0] for call in self._look(True, network)[0]]
            )

    def _sample(self) -> DeepXDEObjective:
        """Some of the points, if they can be divided."""
        if isinstance(self.view, Whole):
            return self
        counts = {name: len(site.points) // site.fold for name, site in self.sites.items()}
        return self.restrict({name: torch.arange(n)[:: 1 + n // SAMPLE] for name, n in counts.items()})

    def _is_deepxde(self) -> bool:
        """Test that loss and gradient are the same by propagated and by DeepXDE's own derivatives."""
        assert self.propagation is not None
        with self._away():
            totals = [self._look(False, network)[2] for network in (self.propagation, self.model.net)]
            found, own = ((value.detach(), gradient(value, self.parameters)) for value in totals)
        return self._alike(found, own)

    def is_deepxde(self, other: Objective) -> bool:
        """Test that loss and gradient of another form of this objective are DeepXDE's."""
        with self._away():
            pairs = [one.value_and_grad() for one in (other, self)]
        found, own = ((torch.as_tensor(value), slopes) for value, slopes in pairs)
        return self._alike(found, own)

    def _alike(self, found: tuple[Tensor, Tensor], own: tuple[Tensor, Tensor]) -> bool:
        close = SAME[self.parameters[0].dtype]
        return all(float((a - b).norm()) <= close * float(b.norm()) for a, b in zip(found, own, strict=True))

    @property
    def propagation(self) -> Propagation | None:
        """The derivatives at the points, if they are propagated."""
        if self._propagation is None and self.plan is not None and self.plan.compiled:
            self._propagation = Propagation(self.plan, self.inputs, self.threads)
        return self._propagation

    @property
    def compiled(self) -> bool:
        """The compiled kernel evaluates the network."""
        return self.plan is not None and self.plan.compiled

    @property
    def slow_path(self) -> str | None:
        """Reason why the derivatives are DeepXDE's own; None if they are propagated in compiled code."""
        if self.compiled:
            return None
        return (
            "derivatives are DeepXDE's own, slower than in compiled code, which takes a plain "
            "deepxde.nn.FNN of tanh, sin, swish or gelu on the CPU of a machine with a C compiler, and "
            f"equations of order {MAX_ORDER} at most"
        )

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the terms of the loss."""
        return self.view.names()

    def copy(self) -> DeepXDEObjective:
        """Copy of the objective with a record of its own."""
        return self._copy(self.view, self.share)

    def restrict(self, part: Mapping[str, Tensor], estimate: bool = False) -> DeepXDEObjective:
        """Restrict the objective to a subset of its rows; the groups are those of its view."""
        view = self.view.take(part, estimate)
        points = sum(len(site.points) for site in self.sites.values())
        return self._copy(view, self.share * sum(len(s.points) for s in view.sites.values()) / points)

    def _copy(self, view: View, share: float) -> DeepXDEObjective:
        other = object.__new__(DeepXDEObjective)
        other.__dict__.update(self.__dict__)
        other._take_up(view)
        other.share = share
        return other

    # -- evaluation --------------------------------------------------------------------------------

    def evaluate(self) -> DeepXDEEvaluation:
        """Look at the current parameters."""
        self.counters.functions += self.share
        return (DeepXDEResidualEvaluation if self.squares else DeepXDEEvaluation)(self)

    def look(self, record: bool = True, network: Network | None = None) -> Look:
        """Evaluate: recorded errors, the terms with their weights, and f, all with their graph.

        Args:
            record: Whether to take down the errors.
            network: In place of the network (default: with propagated derivatives if possible).
        """
        if network is not None or self.propagation is None:
            return self._look(record, network or self.model.net)
        found = self._look(record, self.propagation)
        if not found[2].isfinite():  # has the equation come to use what is not propagated?
            own = self._look(record, self.model.net)
            if own[2].isfinite():
                self.plan = self._propagation = None
                return own
        return found

    def loss_of(self, network: Network) -> Tensor:
        """The value f with its graph, with a function in place of the network."""
        return self._look(False, network)[2]

    def _look(self, record: bool, network: Network) -> Look:
        net, view = self.model.net, self.view
        calls: list[Call] = []
        weights = self.loss_weights
        loss = self.loss
        if isinstance(loss, (list, tuple)):
            loss = [loss[k] for k in view.kept] if view.kept else list(loss)
            loss = [_Recorder(one, calls) for one in loss] if record else loss
        elif record:
            loss = _Recorder(loss, calls)
        before = net.auxiliary_vars
        net.auxiliary_vars = self._auxiliary
        if not net.training:
            net.train(True)
        try:
            with torch.enable_grad(), default_device(self.parameters[0].device):
                outputs = network(self.inputs)
                forward = [net] if dde.config.autodiff == "forward" else None
                losses = view.data.losses_train(
                    self._targets, outputs, loss, self.inputs, self.model, aux=forward
                )
                losses = list(losses) if isinstance(losses, (list, tuple)) else [losses]
                if weights is not None:
                    chosen = [weights[k] for k in view.kept] if view.kept else weights
                    losses = [w * one for w, one in zip(chosen, losses, strict=True)]
                if view.kept:
                    losses = [
                        f * one if f != 1.0 else one for f, one in zip(view.factors, losses, strict=True)
                    ]
                value = torch.stack(losses).sum()
                own = self.share * self._regulariser() if self.l1 or self.l2 else None
                if own is not None:
                    value = value + own
        finally:
            dde.gradients.clear()
            net.auxiliary_vars = before
        return calls, losses, value

    def _regulariser(self) -> Tensor:
        weights = list(self.model.net.parameters())
        one = torch.stack([p.abs().sum() for p in weights]).sum()
        two = torch.stack([p.square().sum() for p in weights]).sum()
        return self.l1 * one + 0.5 * self.l2 * two

    def _has_squares(self) -> bool:
        """Test that the loss functions are mean squares and the recorded errors explain all of f."""
        self.rows = 0
        losses = self.loss if isinstance(self.loss, (list, tuple)) else [self.loss]
        if self.l1 or any(one is not dde.losses.mean_squared_error for one in losses):
            return False
        calls, _, total = self.look()
        r, value = self.residual(calls, total).detach(), float(total.detach())
        self.rows = len(r)
        return abs(0.5 * float(r.square().sum()) - value) <= SQUARES * abs(value)

    def scales(self, calls: Sequence[Call], value: Tensor) -> list[float]:
        """For each call sqrt(2 a_c / N_c); not a number when a weight is negative."""
        losses = [call[0] for call in calls]
        slopes = torch.autograd.grad(value, losses, retain_graph=True, materialize_grads=True)
        weights = torch.stack(list(slopes)).tolist()
        return [
            math.sqrt(2.0 * weight / found.numel()) if weight >= 0 else math.nan
            for weight, (_, _, found) in zip(weights, calls, strict=True)
        ]

    def residual(self, calls: Sequence[Call], value: Tensor) -> Tensor:
        """The residuals r with their graph, from what was recorded and f."""
        rows = [
            scale * (found - wanted).reshape(-1)
            for scale, (_, wanted, found) in zip(self.scales(calls, value), calls, strict=True)
        ]
        if self.l2:
            decay = math.sqrt(self.share * self.l2)
            rows += [decay * p.reshape(-1) for p in self.model.net.parameters()]
        return torch.cat(rows)


class Undivided(Objective):
    """Objective of a DeepXDE model whose points cannot be divided, or shall not be.

    Args:
        inner: The loss.
    """

    def __init__(self, inner: DeepXDEObjective) -> None:
        self.inner, self.parameters, self.counters = inner, inner.parameters, inner.counters

    def evaluate(self) -> DeepXDEEvaluation:
        """Look at the current parameters."""
        return self.inner.evaluate()


def _regularisation(net: Net) -> tuple[float, float]:
    """The factors of L1 and L2."""
    kind = net.regularizer
    if kind is None:
        return 0.0, 0.0
    if kind[0] == "l1":
        return float(kind[1]), 0.0
    if kind[0] == "l2":
        return 0.0, float(kind[1])
    raise InputError(f"the regularization {kind[0]!r} is not known to these methods; use 'l1' or 'l2'")


def _tensors(value: Arrays, device: torch.device, trained: bool = False) -> Arrays:
    """Convert arrays as DeepXDE does; the network's inputs are differentiated."""
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return tuple(_tensors(v, device, trained) for v in value)
    tensor = torch.as_tensor(value, device=device)
    return tensor.clone().requires_grad_() if trained else tensor
