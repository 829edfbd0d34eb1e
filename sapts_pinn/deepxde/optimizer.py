"""A method of this library as the optimizer of a DeepXDE model.

DeepXDE calls `step(closure)` once an iteration.  The closure knows the loss of all points only; the optimizer
bound to a model looks at the model's data itself (`DeepXDEObjective`), so that it can divide the points, and
knows residuals.  Everything else of the training loop stays DeepXDE's own.
"""

from __future__ import annotations

import hashlib
import inspect
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import deepxde as dde
import numpy as np
import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ..errors import InputError
from ..objectives.base import Objective
from ..objectives.data_parallel import ReplicatedObjective, over_ranks
from ..optim.base import StepInfo
from ..optim.methods import Method
from ..parallel.communicator import Communicator
from .objective import DeepXDEObjective, Undivided
from .placing import on_processor
from .staged import staged
from .untyped import Array, Arrays, Keywords, Model

FIXED = ("uniform", "Hammersley", "Halton", "Sobol")  # distributions that give the same points at every draw


class Bound(torch.optim.Optimizer):
    """Optimizer that `Model.compile` makes of a method's name.

    Args:
        model: The DeepXDE model.
        name: The method's name.
        method: The method.
        objective: The model's loss; its parameters are trained.
        divisible: Whether its points may be divided.
        options: Keyword arguments of the method.
        communicator: The ranks.

    Attributes:
        inner: The optimizer that does the work.
        info: What it reports of its last step, with the loss.
    """

    def __init__(
        self,
        model: Model,
        name: str,
        method: Method,
        objective: DeepXDEObjective,
        divisible: bool,
        options: Keywords,
        communicator: Communicator,
    ) -> None:
        super().__init__(objective.parameters, {"lr": 1.0})
        self.model, self.name, self.communicator = model, name, communicator
        self.objective, self._points = objective, _points(objective.view.inputs)
        self.divides, self.sharded, self.divisible = bool(method.divides), method.sharded, divisible
        self._parts = options.get("parts", 1)
        self._given = self._divided()
        phase = method.phases[0]
        ranks = {"communicator": communicator} if phase.takes_ranks else {}
        self.inner = phase.make(objective.parameters, **options, **ranks)
        self.info = StepInfo()
        self._ending = _Ending(communicator)
        self._warned = False

    @on_processor
    def step(self, closure: Callable[[], Tensor | float] | None = None) -> Tensor:  # type: ignore[override]
        """Take one step of the method; the closure is not used."""
        self._attend()
        self._take_points()
        before = torch.get_num_threads()
        if self._leaves_cores_to_the_kernel():
            torch.set_num_threads(1)
        try:
            loss = self.inner.step(self._given)
        finally:
            torch.set_num_threads(before)
        self.info = replace(self.inner.info, loss=float(loss))
        if self.info.converged:
            self.model.stop_training = True
        return loss

    def _leaves_cores_to_the_kernel(self) -> bool:
        """Keep PyTorch's threads out of the way of a compiled kernel, as `training.Trainer` does."""
        return self.objective.compiled and not self.inner.threaded

    def _attend(self) -> None:
        """Have the last word after every iteration."""
        callbacks = self.model.callbacks
        if callbacks is None:
            return
        if not callbacks.callbacks or callbacks.callbacks[-1] is not self._ending:
            callbacks.callbacks = [c for c in callbacks.callbacks if c is not self._ending]
            callbacks.append(self._ending)
            self._ending.set_model(self.model)
            self._ending.begin()
        if not self._warned:
            self._warned = True
            if any(isinstance(c, dde.callbacks.PDEPointResampler) for c in callbacks.callbacks):
                self._check_resampling()

    def _check_resampling(self) -> None:
        problem = getattr(self.model.data, "pde", None)
        problem = problem if isinstance(problem, dde.data.PDE) else self.model.data
        distribution = getattr(problem, "train_distribution", None)
        batches = any(getattr(bc, "batch_size", None) for bc in getattr(problem, "bcs", ()))
        if distribution in FIXED and not batches:  # of observations, which it does draw anew
            warnings.warn(
                f"PDEPointResampler has no effect: train_distribution={distribution!r} gives the same points "
                "at every draw; use train_distribution='pseudo' or 'LHS'",
                stacklevel=2,
            )

    def _take_points(self) -> None:
        """A new objective when DeepXDE has new points, another batch, or other weights of the terms."""
        state, weights = self.model.train_state, _listed(self.model.loss_weights)
        if state.X_train is None or (
            _points(state.X_train) is self._points and weights == self.objective.loss_weights
        ):
            return
        self._points, self.objective.loss_weights = _points(state.X_train), weights
        self.inner.points_changed()
        self.objective = self.objective.renewed(state.X_train, state.y_train, state.train_aux_vars)
        self.agree()
        self._given = self._divided()

    def _divided(self) -> Objective:
        """Objective that the method minimises: ranks share the work of one that divides nothing by itself."""
        if self.sharded:
            return staged(self.objective, self._parts)
        if not self.divisible:
            whole = Undivided(self.objective)
            alone = self.communicator.size == 1 or self.divides
            return whole if alone else ReplicatedObjective(whole, self.communicator)
        if self.communicator.size == 1 or self.divides:
            return self.objective
        return over_ranks(self.objective, self.communicator)

    def agree(self) -> None:
        """Make sure that all ranks have the same points.

        Raises:
            InputError: They have not.
        """
        if self.communicator.size == 1:
            return
        inputs = self.objective.view.inputs
        arrays = inputs if isinstance(inputs, tuple) else (inputs,)
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()
        if len(set(self.communicator.gather_objects(digest))) > 1:
            raise InputError(
                "the ranks have drawn different points; "
                "call dde.config.set_random_seed(0) before making the data"
            )

    # -- state -------------------------------------------------------------------------------------

    @on_processor
    def state_dict(self) -> StateDict:
        """Everything needed to continue bit for bit, loadable with weights_only=True.

        The unknown coefficients are in it, which DeepXDE's own checkpoints leave out.
        """
        network = {id(p) for p in self.model.net.parameters()}
        external = [p.detach().clone() for p in self.objective.parameters if id(p) not in network]
        own = {"method": self.name, "external": external}
        return {**self.inner.state_dict(), "deepxde": own}

    @on_processor
    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a saved state.

        Raises:
            InputError: It was saved by another method, or with other variables.
        """
        state = dict(state_dict)
        own = state.pop("deepxde", None)
        if own is None or own["method"] != self.name:
            saved = "an optimizer of DeepXDE" if own is None else repr(own["method"])
            raise InputError(
                f"this checkpoint was saved with {saved}, and the model is compiled with {self.name!r}; "
                "compile with the same method before restoring"
            )
        network = {id(p) for p in self.model.net.parameters()}
        variables = [p for p in self.objective.parameters if id(p) not in network]
        if len(variables) != len(own["external"]):
            raise InputError(
                f"this checkpoint has {len(own['external'])} external_trainable_variables, and the model was "
                f"compiled with {len(variables)}; compile with the same ones"
            )
        with torch.no_grad():
            for variable, value in zip(variables, own["external"], strict=True):
                variable.copy_(value)
        self.inner.load_state_dict(state)


class _Ending(dde.callbacks.Callback):  # type: ignore[misc]
    """Ends a run in order.

    DeepXDE leaves the last state out of its history when a run ends early.  And several ranks have to end at
    the same iteration, which each must not decide for itself: they ask each other, about once a second.
    """

    def __init__(self, communicator: Communicator) -> None:
        super().__init__()
        self.communicator = communicator

    def begin(self) -> None:
        """A run begins."""
        self._wish, self._asking = False, 1
        self._iteration, self._started = 0, time.monotonic()

    def on_epoch_end(self) -> None:
        """Record the loss if this was the last iteration."""
        model = self.model
        if self.communicator.size > 1:
            self._agree(model)
        if model.stop_training and (
            not model.losshistory.steps or model.losshistory.steps[-1] != model.train_state.step
        ):
            silently = {"verbose": 0} if "verbose" in inspect.signature(model._test).parameters else {}
            model._test(**silently)

    def _agree(self, model: Model) -> None:
        self._iteration += 1
        self._wish, model.stop_training = self._wish or model.stop_training, False
        if self._iteration < self._asking:
            return
        pace = max(time.monotonic() - self._started, 1e-9) / self._iteration
        answers: Sequence[tuple[bool, int]] = self.communicator.gather_objects(
            (self._wish, min(max(int(1.0 / pace), 1), 1000))
        )
        self._asking = self._iteration + answers[0][1]
        model.stop_training = any(wish for wish, _ in answers)


def _listed(weights: Sequence[float] | None) -> list[float] | None:
    """A copy: they may be changed in place."""
    return None if weights is None else [float(w) for w in weights]


def _points(inputs: Arrays) -> Array:
    """Identity of a set of points: the array itself."""
    first: Array = inputs[0] if isinstance(inputs, (tuple, list)) else inputs
    return first
