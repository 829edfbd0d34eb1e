"""SAPTS on mini-batches: sweeps of trust-region Adam, controlled by the loss on one and the same batch.

One step at theta_k is one sweep:

1. *Sweep* (`sweeps.py`).  Every group takes m steps of radius Delta (`moments.py`) from theta_k, one with
   each of its mini-batches, without communication:
       data        each group has mini-batches of its own,
       parameters  each moves its own blocks, the others' frozen, all with the same mini-batches,
       stages      each moves its own stages; what enters them, and the cotangents of what leaves them, come
                   from one pass through the network with each mini-batch, and are frozen in further local
                   steps with it.
2. The groups' corrections are combined: their mean for data, their sum otherwise.  Their moments are pooled
   in the same way, and all groups begin the next sweep with them.
3. *Control.*  The loss f_C on some mini-batches, always the same, is compared with the last values v_j that
   it had and with the best (`acceptance.py`): a sweep that leaves it too high is taken back, theta_k and the
   moments are restored bit for bit and the radius is halved.  Single sweeps may well go up, for their
   gradients are noisy.  After one that is taken back, or three in a row that go up, the gradient is examined
   (`examination.py`), and if it is wrong the parameters of the best f_C are put back and the run ends.  What
   is reported as rho is max v - f_C(theta_k + s) over the reduction that the gradients promised on the way.

**The radius** to begin with is searched for (`RadiusRule.first`), around the one given, on which results thus
hardly depend.  Towards the end of the budget it shrinks to zero linearly (`used`), for what remains then is
noise, which smaller steps average out (Defazio et al., arXiv:2310.07831).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Unpack

import torch
from torch import Generator, Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...objectives.base import Objective, Separable, drawing, seed_generators
from ...objectives.flat import distinct, gather, scatter_
from ...parallel.communicator import Communicator, SingleProcess
from ..base import StepInfo, SweepInfo, Undecorated, WrongGradient
from ..radius import RadiusRule
from ..sapts import Decomposition, find_decomposition
from ..sapts.resharding import SHARDS, resharded_moments
from ..snapshot import Snapshot, copied, placed, put_back
from .acceptance import Acceptance
from .batches import Batch, MiniBatches
from .examination import is_wrong
from .moments import Moments
from .sweeps import Outcome, Walk, WalkOptions, sweep_of

CONTROL = 4  # mini-batches of the control
SEARCH = 0.5  # of the steps of a sweep, while the radius is searched for: of the many tried one is kept


class MiniBatchSAPTS(Undecorated):
    """SAPTS for losses on many samples, as a PyTorch optimizer.

    The parts of a process walk one after the other, each with three copies of the parameters (z, m and v),
    which it gives up before the next begins.  However many there are, a sweep of n parameters on one rank
    holds 13 vectors [n] at most besides the parameters themselves, and 14 while radii are tried.

    Args:
        params: The tensors to train, one group.
        decomposition: "data" (SAPTS_D), "parameters" (SAPTS_P), "stages" (SAPTS_IP) or a `Decomposition`.
        parts: Number of parts over all ranks, a multiple of the number of ranks.
        radius: Where the search for the radius begins.
        batch: Samples in a mini-batch.
        communicator: The ranks; by default this process is alone.
        rule: Every change of the radius.
        options: How the parts walk: `steps`, `local_steps`, `order` and `kind` of `Walk`.

    Attributes:
        info: Of the last sweep, with `sweep` and, for each part of this rank, `parts`.
        acceptance: The values of the control, and which the next may have.
        used: Share of the budget that is spent, in [0, 1]; the radius falls with what is left.
        deadline: `time.monotonic()` after which one process tries no further radius.

    Raises:
        InputError: An argument out of range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        decomposition: str | Decomposition = "data",
        parts: int = 1,
        radius: float = 1e-3,
        batch: int = 128,
        communicator: Communicator | None = None,
        rule: RadiusRule | None = None,
        **options: Unpack[WalkOptions],
    ) -> None:
        decomposition = find_decomposition(decomposition)
        walk = Walk(parts, communicator or SingleProcess(), **options)
        if not (radius > 0 and math.isfinite(radius)):
            raise InputError(f"radius must be positive and finite, not {radius}")
        super().__init__(distinct(params), {"lr": 1.0})
        if len(self.param_groups) != 1:
            raise InputError("MiniBatchSAPTS does not support several parameter groups")
        self.decomposition, self.walk, self.rule = decomposition, walk, rule or RadiusRule()
        self.sweep = sweep_of(decomposition, walk, self.parameters)
        self.radius = self.most = float(radius)
        self.batches = MiniBatches(batch, Generator().manual_seed(0))
        self.moments = Moments.like(gather(self.parameters))
        self.used, self.deadline = 0.0, math.inf
        self.acceptance = Acceptance()
        self._control: list[Batch] = []
        self._best: tuple[Tensor, Sequence[Tensor]] | None = None  # parameters and buffers of the best value

    @property
    def count(self) -> int:
        """Number of parts over all ranks."""
        return self.walk.parts

    def set_progress(self, used: float, deadline: float = math.inf) -> None:
        """Set the spent share of the budget, and the time after which no further radius is tried."""
        self.used, self.deadline = used, deadline

    @property
    def parameters(self) -> list[Tensor]:
        """The tensors trained."""
        return list(self.param_groups[0]["params"])

    # -- the step ----------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Objective | Callable[[], Tensor | float]) -> Tensor:  # type: ignore[override]
        """Take a sweep; until one was accepted, try it with many radii.

        Args:
            closure: An objective that knows its points, for stages one that knows its stages as well.

        Returns:
            The mean loss of the mini-batches, a tensor without shape.

        Raises:
            TypeError: The objective does not know its points, or its stages.
            FloatingPointError: The loss is not finite where training begins.
            WrongGradient: The loss does not fall against its gradient; the parameters and buffers are those
                of the best value of the control, bit for bit.
        """
        objective = self._checked(closure)
        around = Snapshot(objective, self.parameters[0].device)
        theta = gather(self.parameters)
        if not self.acceptance.began:
            self._begin(objective)
        if self._best is None:
            self._best = theta, around.buffers
        searches = self.acceptance.searches
        steps = max(1, round(SEARCH * self.walk.steps)) if searches else self.walk.steps
        batches = [self.batches.draw(objective) for _ in range(self.sweep.sequences * steps)]

        def attempt(radius: float) -> Outcome:
            scatter_(self.parameters, theta)
            around.restore()
            return self._attempt(objective, theta, batches, radius)

        outcome = self._search(attempt) if searches else attempt(self.rule.annealed(self.radius, self.used))
        before, high, best = self.acceptance.values[-1], self.acceptance.highest, self.acceptance.best
        finite = math.isfinite(outcome.value)
        accepted = self.acceptance.judge(outcome.value)
        if accepted:
            self.moments = outcome.moments.clone()  # without the correction, with which they share memory
            reached = theta + outcome.s
            scatter_(self.parameters, reached)
            put_back(objective, outcome.buffers)
            if outcome.value < best:
                self._best = reached, outcome.buffers
            self.radius = self.rule.recovered(self.radius, self.most)
        else:
            scatter_(self.parameters, theta)
            around.restore()
            self.radius = self.rule.after_rejected_sweep(self.radius, finite)
        loss = outcome.loss if finite else before
        if len(objective.term_names) == 1:  # of several only the sum is known
            objective.last_terms = dict.fromkeys(objective.term_names, loss)
        rho = (high - outcome.value) / outcome.predicted if finite and outcome.predicted > 0 else -math.inf
        self._report(
            outcome, SweepInfo(rho, accepted, outcome.predicted, before, steps * self.walk.local_steps)
        )
        if self.acceptance.doubtful:
            self._examine(objective)
        return theta.new_tensor(loss)

    def _begin(self, objective: Separable) -> None:
        """Draw the control and evaluate it where training begins."""
        self._control = [self.batches.draw(objective) for _ in range(CONTROL)]
        value = self._value(objective)
        if not math.isfinite(value):
            raise FloatingPointError(f"the loss is {value} at the starting point; check the initial network")
        self.acceptance.begin(value)

    def _examine(self, objective: Separable) -> None:
        """Make sure that the loss of the control's first mini-batch falls against its gradient.

        Raises:
            WrongGradient: It does not; the best parameters are put back.
        """
        buffers = copied(objective)
        with drawing(0, self.sweep.devices):
            local = objective.restrict(self._control[0], estimate=True)
        wrong = is_wrong(local, self.parameters, self.walk.communicator, self.decomposition.sharded)
        put_back(objective, buffers)
        if not wrong:
            self.acceptance.trust()
            return
        assert self._best is not None
        theta, kept = self._best
        scatter_(self.parameters, theta)
        put_back(objective, kept)
        self.moments = Moments.like(theta)  # they have learned what was wrong
        self.acceptance.return_to_best()
        raise WrongGradient(
            "the loss does not fall against its gradient, at whatever length of a step: the gradient of the "
            f"objective is wrong; the parameters are those of the best loss, {self.acceptance.best:.6g}"
        )

    def _report(self, outcome: Outcome, sweep: SweepInfo) -> None:
        self.info = StepInfo(
            self.rule.annealed(self.radius, self.used),
            sweep.rho,
            sweep.accepted,
            sweep.predicted,
            float(outcome.s.norm()),
            sweep=sweep,
            parts=tuple(replace(record) for record in outcome.records),
        )

    def _checked(self, closure: Objective | Callable[[], Tensor | float]) -> Separable:
        objective = closure.separable() if isinstance(closure, Objective) else None
        if objective is None:
            raise TypeError("mini-batches need an objective that knows its samples, such as Supervised")
        staged = objective.staged()
        if self.decomposition.sharded != (staged is not None):
            raise TypeError(
                f"a decomposition of the {self.decomposition.name} does not suit {type(objective).__name__}; "
                "stages, and nothing else, need a PipelineObjective as the objective"
            )
        if staged is not None and len(staged.layout.sizes) != self.count:
            raise InputError(
                f"the network is cut into {len(staged.layout.sizes)} stages, not into {self.count}; "
                "make the chain with as many parts"
            )
        if sum(p.numel() for p in objective.parameters) != len(self.moments.m):
            raise InputError("the objective depends on other parameters than those this optimizer was given")
        return objective

    def _search(self, attempt: Callable[[float], Outcome]) -> Outcome:
        """The sweep of the best radius, which becomes the radius."""
        best: tuple[float, Outcome] | None = None

        def value(radius: float) -> float:
            nonlocal best
            alone = self.walk.communicator.size == 1
            if best is not None and alone and time.monotonic() > self.deadline:
                return math.inf
            outcome = attempt(radius)
            if best is None or outcome.value < best[1].value or not math.isfinite(best[1].value):
                best = radius, outcome
            return outcome.value

        self.radius = self.most = self.rule.first(value, self.radius, self.acceptance.values[-1])
        assert best is not None
        # Of all outcomes one is kept, for they are three vectors each.
        return best[1] if best[0] == self.radius else attempt(self.radius)

    def _attempt(
        self, objective: Separable, theta: Tensor, batches: Sequence[Batch], radius: float
    ) -> Outcome:
        """A sweep from theta_k and its control."""
        seed = self.batches.drawn - len(batches)  # every mini-batch has a number of its own
        with drawing(0, self.sweep.devices):
            outcome = self.sweep.run(objective, theta, self.moments, batches, radius, seed)
        outcome.buffers = copied(objective)
        if math.isfinite(outcome.loss):
            scatter_(self.parameters, theta + outcome.s)
            outcome.value = self._value(objective)
        return outcome

    def _value(self, objective: Separable) -> float:
        """f_C; buffers are left alone.  Ranks share the work, and get the same bits."""
        ranks, sharded = self.walk.communicator, self.decomposition.sharded
        found = torch.zeros(CONTROL, dtype=torch.float64, device=self.moments.m.device)
        before = copied(objective)
        with drawing(0, self.sweep.devices):
            for i, batch in enumerate(self._control):
                if sharded or i % ranks.size == ranks.rank:
                    seed_generators(i, self.sweep.devices)
                    found[i] = objective.restrict(batch, estimate=True).value()
        put_back(objective, before)
        if ranks.size > 1 and not sharded:
            found = ranks.all_reduce(found)
        return float(found.mean())

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Return all that is needed to continue bit for bit, loadable with weights_only=True."""
        own = {
            "radius": self.radius,
            "most": self.most,
            "moments": self.moments.state_dict(),
            "batches": self.batches.state_dict(),
            "control": [dict(batch) for batch in self._control],
            **self.acceptance.state_dict(),
            "best_state": self._best,
            "info": self.info.as_json(),
        }
        return {**super().state_dict(), "minibatch": own}

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a saved state.

        Raises:
            InputError: The state is of another optimizer.
        """
        rest = dict(state_dict)
        if SHARDS in rest:
            own = sum(p.numel() for p in self.parameters)
            rest = dict(resharded_moments(rest[SHARDS], len(self.parameters), own, self.walk.communicator))
        if "minibatch" not in rest:
            raise InputError(
                "this state was not saved by MiniBatchSAPTS; resume with the method it was written by"
            )
        state = rest.pop("minibatch")
        super().load_state_dict(rest)
        self.radius, self.most, self.info = state["radius"], state["most"], StepInfo.of(state["info"])
        device = self.parameters[0].device
        self.moments.load_state_dict(placed(state["moments"], device))
        self.batches.load_state_dict(state["batches"])
        self._control = [dict(batch) for batch in state["control"]]
        self.acceptance.load_state_dict(state)
        kept = state.get("best_state")  # older files have none: the parameters they hold pass for the best
        self._best = None if kept is None else (kept[0].to(device), [b.to(device) for b in kept[1]])
